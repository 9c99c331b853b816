// The READMEs' examples for the SDK of OpenAI, unchanged.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startProxy } from '../support/proxy.mjs';

const proxy = await startProxy();
const run = promisify(execFile);

for (const name of ['README.md', 'README.zh-CN.md']) {
  test(`${name}: the example in TypeScript prints what comes`, async () => {
    await proxy.setReplies({ text: 'Good day to you.' });
    const document = await readFile(new URL(`../../../${name}`, import.meta.url), 'utf8');
    const examples = [...document.matchAll(/```ts\n(import OpenAI[^]*?)```/g)];
    assert.equal(examples.length, 1);
    const address = 'http://127.0.0.1:3456/v1';
    assert.ok(examples[0][1].includes(address));
    const { stdout } = await run(process.execPath,
      ['--input-type=module', '-e', examples[0][1].replace(address, proxy.baseURL)],
      { cwd: new URL('.', import.meta.url), timeout: 20_000 });
    assert.equal(stdout, 'Good day to you.\n');
  });
}
