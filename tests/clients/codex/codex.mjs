// Runs the Codex CLI as a person does who has configured it for CCProxy.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('node_modules/@openai/codex/bin/codex.js', import.meta.url));
const homes = mkdtempSync(join(tmpdir(), 'ccproxy-codex-'));
process.on('exit', () => rmSync(homes, { recursive: true, force: true }));
let persons = 0;

// Returns what Codex printed, sorted by what the tests look for.
function summary(out, errors, code) {
  const events = out.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  const items = events.filter((event) => event.type === 'item.completed')
    .map((event) => event.item);
  const all = `${out}\n${errors}`;
  return { code, events, items, all, last: events.at(-1),
    texts: items.filter((item) => item.type === 'agent_message').map((item) => item.text) };
}

// Returns a person with a home and a folder to work in. `settings` are lines of the configuration,
// `provider` lines of the provider's section; `retries` is how often Codex retries.
export function person(baseURL, { settings = '', name = 'CCProxy', retries = 0,
  sandbox = 'danger-full-access', provider = 'env_key = "CCPROXY_KEY"' } = {}) {
  const home = join(homes, `home${++persons}`);
  const folder = join(homes, `work${persons}`);
  [home, folder].forEach((path) => mkdirSync(path));
  writeFileSync(join(home, 'config.toml'), `
model = "claude-sonnet-5"
model_provider = "ccproxy"
approval_policy = "never"
sandbox_mode = "${sandbox}"
check_for_update_on_startup = false
${settings}
[analytics]
enabled = false
[model_providers.ccproxy]
name = "${name}"
base_url = "${baseURL}"
wire_api = "responses"
request_max_retries = ${retries}
stream_max_retries = ${retries}
stream_idle_timeout_ms = 20000
${provider}
`);
  const env = { PATH: process.env.PATH, HOME: home, CODEX_HOME: home, CCPROXY_KEY: 'any' };
  return {
    folder,

    // Runs Codex with its input closed, because it would wait for more of the prompt.
    exec(...args) {
      const codex = spawn(process.execPath,
        [program, 'exec', '--skip-git-repo-check', '--json', ...args],
        { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 40_000 });
      let [out, errors] = ['', ''];
      codex.stdout.on('data', (piece) => { out += piece; });
      codex.stderr.on('data', (piece) => { errors += piece; });
      return new Promise((resolve, reject) => {
        codex.on('error', reject);
        codex.on('close', (code, signal) => resolve(summary(out, errors, code ?? signal)));
      });
    },
  };
}

// Codex fetches the model list only of a provider whose token comes from a command; otherwise it
// guesses what a model can do.
export const FETCHES_MODELS = {
  provider: '[model_providers.ccproxy.auth]\ncommand = "echo"\nargs = ["any"]',
};
