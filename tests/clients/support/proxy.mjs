// One CCProxy in front of one simulated Claude API, as a person would start them, for the tests of a
// file. The binary is the one that CCPROXY_BINARY names.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

const PATIENCE = 20_000; // milliseconds

const running = new Set();
process.on('exit', () => running.forEach((program) => program.kill('SIGKILL')));
process.on('SIGTERM', () => process.exit(1)); // the runner's, when a file takes too long

// Resolves with the program and the first match of `address` in what it prints.
function start(args, environment, address) {
  const program = spawn(process.env.CCPROXY_BINARY, args, {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(program);
  let said = '';
  const ended = new Promise((resolve) => program.on('exit', (code, signal) => {
    running.delete(program);
    resolve(code ?? signal);
  }));
  return new Promise((resolve, reject) => {
    const fail = (why) => {
      clearTimeout(timer);
      program.kill('SIGKILL');
      reject(new Error(`${args[0]}: ${why}\n${said}`));
    };
    const timer = setTimeout(() => fail('it did not start'), PATIENCE);
    program.on('error', (error) => fail(error.message));
    ended.then((how) => fail(`it ended with ${how}`));
    const listen = (piece) => {
      said = (said + piece).slice(-10_000);
      const found = said.match(address);
      if (!found) return;
      clearTimeout(timer);
      resolve({ program, ended, url: found[1], said: () => said });
    };
    program.stdout.on('data', listen);
    program.stderr.on('data', listen);
  });
}

// In order and with code 0: one that crashed meanwhile, or does not end, is a failure.
async function end({ program, ended, said }) {
  program.kill('SIGTERM');
  const timer = setTimeout(() => program.kill('SIGKILL'), PATIENCE);
  const how = await ended;
  clearTimeout(timer);
  assert.equal(how, 0, said());
}

// `config` is what stands in its configuration file.
export async function startProxy(config = {}) {
  const home = mkdtempSync(join(tmpdir(), 'ccproxy-clients-'));
  process.on('exit', () => rmSync(home, { recursive: true, force: true }));
  writeFileSync(join(home, 'config.json'), JSON.stringify(config), { mode: 0o600 });
  const environment = { HOME: home, CCPROXY_HOME: home, ANTHROPIC_API_KEY: 'of-nobody' };
  const mock = await start(['mock', '--port', '0', '--pace', 'events', '--quiet'], environment,
    /(http:\/\/[\d.:]+)/);
  const proxy = await start(['start', '--port', '0', '--upstream', mock.url], environment,
    /listening on (http:\/\/[\d.:]+)/);
  after(() => Promise.all([end(proxy), end(mock)]));
  const ask = async (method, path, body) => {
    const answer = await fetch(mock.url + path, { method, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
    return answer.text();
  };
  return {
    baseURL: `${proxy.url}/v1`,

    // Is told to end, as by whoever starts it; after the tests it is, anyhow.
    ends: () => proxy.program.kill('SIGTERM'),

    // What the simulated API says from now on: replies of a script (docs/mock.md). Forgets what was
    // asked before.
    async answers(...replies) {
      await ask('DELETE', '/mock/requests');
      await ask('PUT', '/mock/script', { replies });
    },

    // What came to it since then.
    async requests() {
      const records = JSON.parse(await ask('GET', '/mock/requests'));
      return records.filter((record) => record.target.startsWith('/v1/messages'));
    },

    // Whether its last request was left before the answer's end. Waits two seconds for it.
    async left() {
      const aborted = async () => (await this.requests()).at(-1)?.aborted;
      for (let i = 0; i < 100 && !(await aborted()); ++i) await pause(20);
      return aborted();
    },

    // The bodies of these.
    async sent() {
      return (await this.requests()).map((record) => JSON.parse(record.body));
    },
  };
}

// Two tools called at once, after some thinking and a word.
export const TWO_CALLS = {
  times: 1,
  blocks: [
    { thinking: 'Two cities.', signature: 'c2ln' },
    { text: 'Looking.' },
    { tool_use: { id: 'toolu_1', name: 'get_weather', fragments: ['{"city"', ': "Oslo"}'] } },
    { tool_use: { id: 'toolu_2', name: 'get_weather', fragments: ['{"city": "Bergen"}'] } },
  ],
};

// The stream breaks with an error of the upstream's after a few words.
export const BROKEN = {
  events: [
    { data: { type: 'message_start', message: { id: 'msg_1', type: 'message', role: 'assistant',
      model: 'claude-sonnet-5', content: [], stop_reason: null, stop_sequence: null,
      usage: { input_tokens: 10, output_tokens: 1 } } } },
    { data: { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } } },
    { data: { type: 'content_block_delta', index: 0,
      delta: { type: 'text_delta', text: 'It will' } } },
    { data: { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } } },
  ],
};

// One pixel.
export const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9' +
  'awAAAABJRU5ErkJggg==';

export const weather = ({ city }) => `${city}: rain`;
