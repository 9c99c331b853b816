// The Codex CLI, which speaks only Responses and reads its streams more strictly than others do.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BROKEN, PNG, startProxy } from '../support/proxy.mjs';
import { FETCHES_MODELS, person } from './codex.mjs';

const proxy = await startProxy();
const somebody = (how) => person(proxy.baseURL, how);

// A reply that thinks, says something and calls a tool once.
const calls = (name, input, ...before) => ({ times: 1,
  blocks: [...before, { tool_use: { id: 'toolu_1', name, input } }] });
const HELLO = calls('exec_command', { cmd: 'echo "hello from" here' },
  { thinking: 'Let me look.', signature: 'c2ln' }, { text: 'Looking.' });

function completed(run) {
  assert.equal(run.last?.type, 'turn.completed', run.all);
  assert.equal(run.code, 0, run.all);
}

// Expects a run that has failed: its stream has an end all the same.
function failed(run, words) {
  assert.equal(run.last?.type, 'turn.failed', run.all);
  assert.match(run.last.error.message, words);
  assert.doesNotMatch(run.all, /stream closed before response\.completed|missing field|without active/);
}

const kinds = (message) => message.content.map((block) => block.type);
const result = (request) => request.messages.at(-1).content[0];

test('A2 it calls its tool, reads the result and replies', async () => {
  await proxy.setReplies(HELLO, { text: 'It said hello.', usage: { cache_read_input_tokens: 100 } });
  const run = await somebody().exec('Say hello.');
  completed(run);
  assert.deepEqual(run.texts, ['Looking.', 'It said hello.']);
  const command = run.items.find((item) => item.type === 'command_execution');
  assert.deepEqual([command.aggregated_output, command.exit_code, command.status],
    ['hello from here\n', 0, 'completed']);
  assert.ok(run.last.usage.input_tokens > 100);
  assert.equal(run.last.usage.cached_input_tokens, 100);
  assert.ok(run.last.usage.output_tokens > 0);
  const [first, second] = await proxy.sent();
  assert.ok(first.system[0].text.length > 1000, 'its instructions come as a message of the developer');
  const names = first.tools.map((tool) => tool.name);
  assert.ok(names.includes('exec_command') && names.includes('multi_agent_v1__spawn_agent'), names);
  assert.deepEqual(kinds(second.messages.at(-2)), ['thinking', 'text', 'tool_use']);
  assert.match(JSON.stringify(result(second)), /hello from here/);
  assert.deepEqual([second.tools, second.system], [first.tools, first.system]);
});

test('A3 it is shown the reasoning that it asks for, and ends without any', async () => {
  await proxy.setReplies(HELLO, { text: 'It said hello.' });
  const run = await somebody({ settings: 'model_reasoning_effort = "low"' }).exec('Say hello.');
  completed(run);
  assert.deepEqual(run.items.filter((item) => item.type === 'reasoning').map((item) => item.text),
    ['Let me look.']);
  const [first, second] = await proxy.sent();
  assert.equal(first.thinking.display, 'summarized');
  const [thinking] = second.messages.at(-2).content;
  assert.deepEqual([thinking.thinking, thinking.signature], ['Let me look.', 'c2ln']);
  await proxy.setReplies({ text: 'Hello.' });
  completed(await somebody().exec('Say hello.'));
});

test('A14 what was thought comes back in a later run, and the beginning stays the same',
  async () => {
    const one = somebody();
    await proxy.setReplies(HELLO, { text: 'It said hello.' });
    completed(await one.exec('Say hello.'));
    const [, before] = await proxy.sent();
    await proxy.setReplies({ text: 'Goodbye.' });
    completed(await one.exec('resume', '--last', 'Say goodbye.'));
    const [after] = await proxy.sent();
    const plain = (messages) => JSON.parse(JSON.stringify(messages,
      (key, value) => (key === 'cache_control' ? undefined : value)));
    assert.deepEqual(plain(after.messages).slice(0, before.messages.length),
      plain(before.messages));
  });

test('A9 A6 with its list of models it knows the model, and patches a file', async () => {
  const patch = '*** Begin Patch\n*** Add File: a.txt\n+say "hi" \\n \\ Grüße 😀\n+\ttwo\n*** End Patch\n';
  const one = somebody(FETCHES_MODELS);
  await proxy.setReplies(calls('apply_patch', { input: patch }), { text: 'Done.' });
  const run = await one.exec('Write a file.');
  completed(run);
  assert.doesNotMatch(run.all, /Model metadata|missing field/);
  assert.equal(readFileSync(join(one.folder, 'a.txt'), 'utf8'), 'say "hi" \\n \\ Grüße 😀\n\ttwo\n');
  const [first, second] = await proxy.sent();
  const tool = first.tools.find((offered) => offered.name === 'apply_patch');
  assert.deepEqual(Object.keys(tool.input_schema.properties), ['input']);
  assert.match(tool.description, /lark/);
  assert.match(tool.description, /Begin Patch/, 'its grammar is told');
  assert.deepEqual(second.messages.at(-2).content[0].input, { input: patch });
});

test('A10 it falls back from a WebSocket at once', async () => {
  await proxy.setReplies({ text: 'Hello.' });
  const begun = Date.now();
  const run = await somebody({ provider: 'env_key = "CCPROXY_KEY"\nsupports_websockets = true' })
    .exec('Say hello.');
  completed(run);
  assert.deepEqual(run.texts, ['Hello.']);
  assert.ok(Date.now() - begun < 10_000);
});

test('A11 a web search that it may not make is not made', async () => {
  for (const [how, wanted] of [['live', true], ['cached', false], ['disabled', false]]) {
    await proxy.setReplies({ text: 'Hello.' });
    completed(await somebody({ settings: `web_search = "${how}"`, sandbox: 'read-only' })
      .exec('Say hello.'));
    const [sent] = await proxy.sent();
    assert.equal(sent.tools.some((tool) => /^web_search/.test(tool.type)), wanted, how);
  }
});

test('A13 a tool in a namespace is called there', async () => {
  await proxy.setReplies(calls('multi_agent_v1__close_agent', { target: 'nobody' }),
    { text: 'Nobody.' });
  completed(await somebody().exec('Close nobody.'));
  const [, second] = await proxy.sent();
  assert.equal(second.messages.at(-2).content[0].name, 'multi_agent_v1__close_agent');
  assert.match(JSON.stringify(result(second)), /invalid agent id nobody/, 'Codex found its tool');
});

test('an image of the person\'s and one that a tool looked at arrive', async () => {
  const one = somebody();
  const path = join(one.folder, 'a.png');
  writeFileSync(path, Buffer.from(PNG, 'base64'));
  await proxy.setReplies(calls('view_image', { path }), { text: 'A dot.' });
  completed(await one.exec('What is it?', '-i', path));
  const [first, second] = await proxy.sent();
  assert.ok(first.messages.some((message) => kinds(message).includes('image')));
  assert.equal(result(second).content.find((block) => block.type === 'image').source.data, PNG);
});

test('an output schema is requested as such', async () => {
  const one = somebody();
  writeFileSync(join(one.folder, 'schema.json'), JSON.stringify({ type: 'object',
    properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false }));
  await proxy.setReplies({ text: '{"city":"Oslo"}' });
  const run = await one.exec('Where?', '--output-schema', 'schema.json');
  completed(run);
  assert.deepEqual(run.texts, ['{"city":"Oslo"}']);
  const [sent] = await proxy.sent();
  assert.equal(sent.output_config.format.type, 'json_schema');
});

const SPENT = { ...HELLO, usage: { input_tokens: 50_000 } };
const SMALL = 'model_auto_compact_token_limit = 3000';

for (const [how, name] of [['by itself', 'CCProxy'], ['here', 'OpenAI']]) {
  test(`A7 a long conversation is compacted ${how}, and continues from that`, async () => {
    await proxy.setReplies(SPENT, { times: 1, text: 'They said hello.' }, { text: 'It continues.' });
    const run = await somebody({ settings: SMALL, name }).exec('Say hello.');
    completed(run);
    assert.deepEqual(run.texts, ['Looking.', 'It continues.']);
    const sent = await proxy.sent();
    assert.equal(sent.length, 3);
    const sentText = JSON.stringify(sent[2].messages);
    assert.match(sentText, /They sentText hello\./);
    assert.match(sentText, /Say hello\./);
    assert.doesNotMatch(sentText, /hello from here/, 'what was compacted is gone');
  });
}

for (const [how, reply, words] of [
  ['an error in the middle of a stream', BROKEN, /Overloaded/],
  ['a stream that breaks off upstream', { text: 'It will rain.', fault: 'close-mid' }, /./],
  ['a stream that just ends upstream', { text: 'It will rain.', fault: 'end-mid' }, /./],
]) {
  test(`A1 ${how} is reported, and retried when configured`, async () => {
    await proxy.setReplies(reply);
    failed(await somebody().exec('Say hello.'), words);
    await proxy.setReplies({ ...reply, times: 1 }, { text: 'Hello.' });
    const run = await somebody({ retries: 1 }).exec('Say hello.');
    completed(run);
    assert.deepEqual(run.texts.at(-1), 'Hello.');
  });
}

test('A15 a truncated reply is an error', async () => {
  await proxy.setReplies({ text: 'It will', stop_reason: 'max_tokens' });
  failed(await somebody().exec('Say hello.'), /max_output_tokens/);
});

test('a refusal is shown with its message', async () => {
  await proxy.setReplies({ blocks: [], stop_reason: 'refusal',
    stop_details: { type: 'refusal', category: 'cyber', explanation: 'Not that.' } });
  const run = await somebody().exec('Say hello.');
  completed(run);
  assert.deepEqual(run.texts, ['Not that.']);
});

for (const [how, reply, words] of [
  ['no money', { status: 402, error: 'billing_error' }, /Quota exceeded/],
  ['a window that is spent', { status: 429, error: 'rate_limit_error',
    headers: { 'anthropic-ratelimit-unified-status': 'rejected', 'retry-after': '3000' } },
  /hit your usage limit/],
  ['a conversation that is too long', { status: 400, error: { type: 'invalid_request_error',
    message: 'prompt is too long: 210000 tokens > 200000 maximum' } }, /ran out of room/],
  ['a request that is wrong', { status: 400, error: { type: 'invalid_request_error',
    message: 'messages.0: no such thing' } }, /no such thing/],
]) {
  test(`${how} ends it at once, however patient it is`, async () => {
    await proxy.setReplies(reply);
    failed(await somebody({ retries: 2 }).exec('Say hello.'), words);
    assert.equal((await proxy.requests()).length, 1);
  });
}

test('an upstream that is busy is not taken for a model without room', async () => {
  await proxy.setReplies({ status: 529, error: 'overloaded_error', headers: { 'retry-after': '3000' } });
  const run = await somebody().exec('Say hello.');
  failed(run, /Overloaded/);
  assert.doesNotMatch(run.all, /at capacity/);
});
