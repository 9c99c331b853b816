// Starts CCProxy in front of a simulated Claude API, as a person would, for the tests of one file.
// CCPROXY_BINARY names the binary.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

const TIMEOUT_MS = 20_000; // milliseconds

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
  let output = '';
  const ended = new Promise((resolve) => program.on('exit', (code, signal) => {
    running.delete(program);
    resolve(code ?? signal);
  }));
  return new Promise((resolve, reject) => {
    const fail = (why) => {
      clearTimeout(timer);
      program.kill('SIGKILL');
      reject(new Error(`${args[0]}: ${why}\n${output}`));
    };
    const timer = setTimeout(() => fail('it did not start'), TIMEOUT_MS);
    program.on('error', (error) => fail(error.message));
    ended.then((how) => fail(`it ended with ${how}`));
    const listen = (piece) => {
      output = (output + piece).slice(-10_000);
      const found = output.match(address);
      if (!found) return;
      clearTimeout(timer);
      resolve({ program, ended, url: found[1], output: () => output });
    };
    program.stdout.on('data', listen);
    program.stderr.on('data', listen);
  });
}

// Ends a program. It must exit with code 0: a crash, or no exit in time, is a failure.
async function end({ program, ended, output }) {
  program.kill('SIGTERM');
  const timer = setTimeout(() => program.kill('SIGKILL'), TIMEOUT_MS);
  const how = await ended;
  clearTimeout(timer);
  assert.equal(how, 0, output());
}

// Starts both programs. `config` is the content of config.json.
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
  const control = async (method, path, body) => {
    const response = await fetch(mock.url + path, { method, body: body && JSON.stringify(body) });
    if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`);
    return response.text();
  };
  return {
    baseURL: `${proxy.url}/v1`,

    // Ends CCProxy before the tests are over.
    terminate: () => proxy.program.kill('SIGTERM'),

    // Sets the script of the simulated API (docs/mock.md), and clears its recorded requests.
    async setReplies(...replies) {
      await control('DELETE', '/mock/requests');
      await control('PUT', '/mock/script', { replies });
    },

    // Returns the requests that it has recorded since then.
    async requests() {
      const records = JSON.parse(await control('GET', '/mock/requests'));
      return records.filter((record) => record.target.startsWith('/v1/messages'));
    },

    // Returns whether the last request was aborted before the reply's end; waits two seconds for it.
    async wasAborted() {
      const aborted = async () => (await this.requests()).at(-1)?.aborted;
      for (let i = 0; i < 100 && !(await aborted()); ++i) await pause(20);
      return aborted();
    },

    // Returns the bodies of these requests.
    async sent() {
      return (await this.requests()).map((record) => JSON.parse(record.body));
    },
  };
}

// A reply that calls two tools at once, after some thinking and a text.
export const TWO_CALLS = {
  times: 1,
  blocks: [
    { thinking: 'Two cities.', signature: 'c2ln' },
    { text: 'Looking.' },
    { tool_use: { id: 'toolu_1', name: 'get_weather', fragments: ['{"city"', ': "Oslo"}'] } },
    { tool_use: { id: 'toolu_2', name: 'get_weather', fragments: ['{"city": "Bergen"}'] } },
  ],
};

// A stream that breaks off with an error of the upstream after a few words.
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

// An image of one pixel.
export const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9' +
  'awAAAABJRU5ErkJggg==';

export const weather = ({ city }) => `${city}: rain`;
