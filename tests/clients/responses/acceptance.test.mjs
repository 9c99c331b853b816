// Faults of other proxies with the Responses API, one test for each; docs/rules lists the numbers.
// The tests read event by event with the SDK of OpenAI.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import OpenAI from 'openai';
import { BROKEN, startProxy } from '../support/proxy.mjs';
import { checkResponse, checkStream, read } from './events.mjs';

const proxy = await startProxy();
const to = ({ baseURL }) => new OpenAI({ baseURL, apiKey: 'any', maxRetries: 0 });
const client = to(proxy);
const model = 'claude-sonnet-5';
const input = 'How is the weather?';
const create = (more = {}) => client.responses.create({ model, input, ...more });
const get_weather = { type: 'function', name: 'get_weather',
  parameters: { type: 'object', properties: { city: { type: 'string' } } } };
const patch = { type: 'custom', name: 'apply_patch', description: 'Edits files.',
  format: { type: 'grammar', syntax: 'lark', definition: 'start: "*** Begin Patch" LF' } };

// Returns all events, also those of a stream that breaks off.
async function seen(stream) {
  const events = [];
  try {
    for await (const event of await stream) events.push(event);
  } catch (error) {
    assert.fail(`${error} after ${JSON.stringify(events.at(-1))}`);
  }
  return events;
}

const WORDS = { blocks: [{ text: '', deltas: ['It ', 'will ', 'rain.'] }] };
for (const [how, reply] of [
  ['ends early', { ...WORDS, fault: 'end-mid=5' }],
  ['is closed', { ...WORDS, fault: 'close-mid=5' }],
  ['is reset', { ...WORDS, fault: 'reset-mid=5', pace: 20 }],
  ['tells an error', BROKEN],
]) {
  test(`A1 a stream has one last event when the upstream's ${how}`, async () => {
    await proxy.setReplies(reply);
    const { error } = checkStream(await seen(create({ stream: true })));
    assert.equal(error.code, 'server_error');
  });
}

test('A1 a stream has one last event when the upstream stalls', async () => {
  const hasty = await startProxy({ timeouts: { idleUpstreamSeconds: 1 } });
  await hasty.setReplies({ ...WORDS, fault: 'stall-mid=5' });
  const { error } = checkStream(await seen(to(hasty).responses.create({ model, input,
    stream: true })));
  assert.equal(error.code, 'server_error');
});

test('A1 a stream has one last event when CCProxy shuts down', async () => {
  const leaving = await startProxy({ server: { shutdownGraceSeconds: 1 } });
  await leaving.setReplies({ blocks: [{ text: '', deltas: ['word '], repeat: 2000 }], pace: 10 });
  const events = [];
  for await (const event of await to(leaving).responses.create({ model, input, stream: true }))
    if (events.push(event) === 8) leaving.terminate();
  assert.equal(checkStream(events).status, 'failed');
});

test('A1 a rate limit in the middle says when to come back', async () => {
  await proxy.setReplies({ events: BROKEN.events.with(-1, { data: { type: 'error',
    error: { type: 'rate_limit_error', message: 'Too many.' } } }) });
  const { error } = checkStream(await seen(create({ stream: true })));
  assert.equal(error.code, 'rate_limit_exceeded');
  assert.match(error.message, /try again in \d+ ?s/i);
});

const THOUGHT = { thinking: 'Well.', signature: 'c2ln' };
const TEXT = { text: 'Looking.' };
const CALL = (id) => ({ tool_use: { id, name: 'get_weather', fragments: ['{"city"', ':"Oslo"}'] } });
const PATCH = { tool_use: { id: 'toolu_9', name: 'apply_patch', fragments: ['{"inp', 'ut":"a"}'] } };

// Blocks of the upstream, and the kinds of items that they become.
for (const [blocks, kinds] of [
  [[TEXT], ['message']],
  [[CALL('toolu_1')], ['function_call']],
  [[PATCH], ['custom_tool_call']],
  [[THOUGHT], ['reasoning']],
  [[THOUGHT, TEXT], ['reasoning', 'message']],
  [[THOUGHT, CALL('toolu_1')], ['reasoning', 'function_call']],
  [[TEXT, CALL('toolu_1')], ['message', 'function_call']],
  [[CALL('toolu_1'), TEXT], ['function_call', 'message']],
  [[TEXT, TEXT, CALL('toolu_1'), CALL('toolu_2'), PATCH, TEXT],
    ['message', 'function_call', 'function_call', 'custom_tool_call', 'message']],
  [[THOUGHT, TEXT, THOUGHT, CALL('toolu_1'), THOUGHT, { redacted_thinking: 'ZGF0YQ==' }, PATCH],
    ['reasoning', 'message', 'reasoning', 'function_call', 'reasoning', 'reasoning',
      'custom_tool_call']],
  [[], []],
]) {
  test(`A2 A4 A5 items open and close in order, streamed and not: ${kinds.join(', ') || 'none'}`,
    async () => {
      await proxy.setReplies({ blocks });
      for (const reasoning of [undefined, { summary: 'auto' }]) {
        const body = { tools: [get_weather, patch], reasoning };
        const { response } = await read(create({ ...body, stream: true }));
        assert.deepEqual(response.output.map((item) => item.type), kinds);
        assert.ok(response.output.every((item) => (item.status ?? 'completed') === 'completed'));
        const whole = await create(body);
        checkResponse(whole);
        const same = (items) => items.map(({ id, ...item }) => item);
        assert.deepEqual(same(whole.output), same(response.output), 'the same when not streamed');
        assert.deepEqual(whole.usage, response.usage);
        if (reasoning && kinds[0] === 'reasoning')
          assert.equal(response.output[0].summary[0].text, 'Well.');
      }
    });
}

test('A5 a call without arguments has an empty object, in its delta, too', async () => {
  await proxy.setReplies({ blocks: [{ tool_use: { id: 'toolu_1', name: 'get_weather',
    fragments: [''] } }] });
  const { events, response } = await read(create({ tools: [get_weather], stream: true }));
  assert.equal(response.output[0].arguments, '{}');
  assert.deepEqual(events.filter((event) => /arguments\.delta$/.test(event.type))
    .map((event) => event.delta), ['{}']);
});

test('A6 a tool without a schema takes any letter, there and back', async () => {
  const text = '*** Begin Patch\n+say "hi" \\n \\\\ Grüße 😀 \u2028 </x>\n\ttab\r\n*** End Patch';
  const json = JSON.stringify({ input: text }).replace('😀', '\\ud83d\\ude00');
  await proxy.setReplies({ times: 1, blocks: [{ tool_use: { id: 'toolu_1', name: 'apply_patch',
    fragments: json.match(/[^]{1,3}/g) } }] }, { text: 'Done.' });
  const { response, events } = await read(create({ tools: [patch], stream: true }));
  const [call] = response.output;
  assert.deepEqual([call.type, call.name, call.input], ['custom_tool_call', 'apply_patch', text]);
  const pieces = events.filter((event) => /input\.delta$/.test(event.type));
  assert.ok(pieces.length > 5, 'as it comes');
  assert.ok(pieces.every(({ delta }) => delta.isWellFormed()), 'no half letters');
  await create({ tools: [patch], input: [{ role: 'user', content: input }, call,
    { type: 'custom_tool_call_output', call_id: call.call_id, output: text }] });
  const [first, second] = await proxy.sent();
  assert.deepEqual(first.tools[0].input_schema.properties, { input: { type: 'string' } });
  assert.match(first.tools[0].description, /Edits files\.[^]*lark[^]*start: "\*\*\* Begin Patch" LF/);
  assert.equal(second.messages[1].content[0].input.input, text);
  assert.equal(second.messages[2].content[0].content, text);
});

test('A7 a trigger of compaction is replied to with one item', async () => {
  for (const stream of [false, true]) {
    await proxy.setReplies({ times: 1, text: 'They spoke of rain.' }, { text: 'Sun.' });
    const body = { stream, store: false, input: [{ role: 'user', content: input },
      { role: 'assistant', content: 'Rain.' }, { type: 'compaction_trigger' }] };
    const { output, status } = stream ? (await read(create(body))).response : await create(body);
    assert.equal(status, 'completed');
    assert.deepEqual(output.map((item) => item.type), ['compaction']);
    const reply = await create({ input: [output[0], { role: 'user', content: 'And tomorrow?' }] });
    assert.equal(reply.output_text, 'Sun.');
    assert.match(JSON.stringify((await proxy.sent())[1].messages), /They spoke of rain\./);
  }
});

test('A8 a conversation that ends with the model\'s words ends with the user\'s', async () => {
  for (const name of ['claude-opus-5', 'claude-sonnet-4-6', 'claude-fable-5']) {
    await proxy.setReplies({ text: 'Sun.' });
    await create({ model: name, input: [{ role: 'user', content: input },
      { role: 'assistant', content: 'Rain.' }] });
    const [{ messages }] = await proxy.sent();
    assert.deepEqual(messages.map((message) => message.role), ['user', 'assistant', 'user'], name);
  }
});

// Sends a request that no SDK can send, as Codex and browsers do.
function raw(method, path, headers) {
  return new Promise((resolve, reject) => {
    request(`${proxy.baseURL}${path}`, { method, headers }, async (reply) => {
      let body = '';
      for await (const piece of reply) body += piece;
      resolve({ status: reply.statusCode, headers: reply.headers, body });
    }).on('error', reject).end();
  });
}

test('A9 the model list has the form of its client', async () => {
  const { body } = await raw('GET', '/models?client_version=0.153.4');
  const { models } = JSON.parse(body);
  const { slug, ...sonnet } = models.find((entry) => entry.slug === 'claude-sonnet-5');
  for (const field of ['display_name', 'default_reasoning_level', 'supported_reasoning_levels',
    'shell_type', 'visibility', 'supported_in_api', 'priority', 'base_instructions',
    'truncation_policy', 'context_window', 'supports_parallel_tool_calls'])
    assert.ok(field in sonnet, `${slug} has ${field}`);
  assert.equal(sonnet.apply_patch_tool_type, 'freeform');
});

test('A10 a WebSocket is refused in the way that Codex understands', async () => {
  const { status, headers } = await raw('GET', '/responses', { connection: 'Upgrade',
    upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'x3JJHMbDL1EzLkh9GBhXDw==' });
  assert.equal(status, 426);
  assert.equal(headers.connection?.toLowerCase(), 'close');
  const plain = await raw('GET', '/responses');
  assert.equal(plain.status, 405);
  assert.match(plain.headers.allow, /POST/);
});

test('A11 tools that run elsewhere are left out, and named in the headers', async () => {
  await proxy.setReplies({ text: 'Rain.' });
  const { response } = await create({ tools: [get_weather,
    { type: 'web_search', external_web_access: false }, { type: 'file_search', vector_store_ids: [] },
    { type: 'image_generation' }, { type: 'brand_new' }] }).withResponse();
  const [sent] = await proxy.sent();
  assert.deepEqual(sent.tools.map((tool) => tool.name), ['get_weather']);
  assert.match(response.headers.get('x-ccproxy-ignored'), /tools/);
  for (const type of ['web_search', 'web_search_preview', 'web_search_2025_08_26']) {
    await proxy.setReplies({ text: 'Rain.' });
    await create({ tools: [{ type }] });
    assert.match((await proxy.sent())[0].tools[0].type, /^web_search_/);
  }
});

test('A12 a request without a model has the one that is set', async () => {
  await proxy.setReplies({ text: 'Rain.' });
  const { response } = await create({ model: undefined }).withResponse();
  assert.match(response.headers.get('x-ccproxy-warning'), /model_defaulted/);
  assert.match((await proxy.sent())[0].model, /^claude-/);
});

test('A13 ids of calls stay, and fields that nobody knows do no harm', async () => {
  await proxy.setReplies({ blocks: [CALL('toolu_1'), CALL('toolu_2')] });
  const { output: [one, two] } = await create({ tools: [get_weather], stream_options: null,
    prompt_cache_retention: '24h', safety_identifier: 'me', client_metadata: { a: 1 },
    text: {}, access_programs: [], something_new: { b: [2] } });
  assert.deepEqual([one.call_id, two.call_id], ['toolu_1', 'toolu_2']);
  const key = /^fc_([A-Za-z0-9]{22,})_\d+$/;
  assert.equal(one.id.match(key)[1], two.id.match(key)[1], 'one response, one key');
  await create({ tools: [get_weather], input: [{ role: 'user', content: input },
    one, { type: 'function_call_output', call_id: 'toolu_1', output: 'rain' },
    two, { type: 'function_call_output', call_id: 'toolu_2', output: 'sun' }] });
  const [, { messages }] = await proxy.sent();
  assert.deepEqual(messages.map(({ content }) => content.map((block) => block.id ?? block.tool_use_id)),
    [[undefined], ['toolu_1', 'toolu_2'], ['toolu_1', 'toolu_2']], 'calls of one turn are one turn');
});

test('A14 thinking comes back as it was, and that of others does not', async () => {
  await proxy.setReplies({ blocks: [{ thinking: 'Größe ✓', signature: 'c2ln' },
    { redacted_thinking: 'ZGF0YQ==' }, CALL('toolu_1')] });
  const { output } = await create({ tools: [get_weather], store: false,
    include: ['reasoning.encrypted_content'], reasoning: { summary: 'auto' } });
  const foreign = { type: 'reasoning', id: 'rs_1', summary: [], content: null,
    encrypted_content: 'gAAAAABo-of-somebody-else' };
  await create({ tools: [get_weather], store: false, input: [{ role: 'user', content: input },
    foreign, ...output.map((item) => ({ ...item, id: undefined, summary: [] })),
    { type: 'function_call_output', call_id: 'toolu_1', output: 'rain' }] });
  const [, { messages }] = await proxy.sent();
  assert.deepEqual(messages[1].content.slice(0, 2), [
    { type: 'thinking', thinking: 'Größe ✓', signature: 'c2ln' },
    { type: 'redacted_thinking', data: 'ZGF0YQ==' }]);
  assert.doesNotMatch(JSON.stringify(messages), /gAAAA/);
});

test('A15 what was cut is incomplete, with the call that was cut in it', async () => {
  const cut = (reason) => ({ blocks: [TEXT, { tool_use: { id: 'toolu_1', name: 'get_weather',
    fragments: ['{"city":', '"Os'] } }], stop_reason: reason });
  for (const reason of ['max_tokens', 'model_context_window_exceeded']) {
    await proxy.setReplies(cut(reason));
    const { events, response } = await read(create({ tools: [get_weather], stream: true }));
    assert.equal(events.at(-1).type, 'response.incomplete');
    assert.equal(response.incomplete_details.reason, 'max_output_tokens');
    assert.equal(response.output[1].arguments, '{"city":"Os');
    assert.deepEqual(response.output.map((item) => item.status), ['completed', 'incomplete']);
    assert.ok(response.usage.output_tokens > 0);
  }
});

test('A16 items of every kind are taken, and those that say nothing here are skipped', async () => {
  await proxy.setReplies({ text: 'Rain.' });
  const { data, response } = await create({ tools: [get_weather, { type: 'shell' },
    { type: 'local_shell' }, { type: 'apply_patch' }], input: [
    { role: 'user', content: input },
    { type: 'local_shell_call', id: 'lsh_1', call_id: 'c1', status: 'completed',
      action: { type: 'exec', command: ['ls'], env: {} } },
    { type: 'local_shell_call_output', id: 'c1', call_id: 'c1', output: 'a' },
    { type: 'shell_call', call_id: 'c2', action: { commands: ['ls'] }, status: 'completed' },
    { type: 'shell_call_output', call_id: 'c2', output: [{ stdout: 'a', stderr: '',
      outcome: { type: 'exit', exit_code: 0 } }] },
    { type: 'apply_patch_call', call_id: 'c3', status: 'completed',
      operation: { type: 'delete_file', path: 'a' } },
    { type: 'apply_patch_call_output', call_id: 'c3', status: 'completed', output: 'gone' },
    { type: 'tool_search_call', call_id: 'c4', execution: 'client', arguments: { query: 'q' } },
    { type: 'tool_search_output', call_id: 'c4', execution: 'client', tools: [] },
    { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'q' } },
    { type: 'file_search_call', id: 'fs_1', status: 'completed', queries: ['q'], results: null },
    { type: 'code_interpreter_call', id: 'ci_1', status: 'completed', code: '1', container_id: 'c',
      outputs: null },
    { type: 'image_generation_call', id: 'ig_1', status: 'completed', result: null },
    { type: 'computer_call', id: 'cu_1', call_id: 'c5', status: 'completed',
      action: { type: 'wait' }, pending_safety_checks: [] },
    { type: 'mcp_list_tools', id: 'mcpl_1', server_label: 's', tools: [] },
    { type: 'mcp_call', id: 'mcp_1', server_label: 's', name: 'n', arguments: '{}', output: 'o' },
    { type: 'reasoning', id: 'rs_1', summary: [] },
    { type: 'item_reference', id: 'rs_of_nobody' },
    { type: 'brand_new_item', what: 1 },
    { role: 'user', content: 'And now?' }] }).withResponse();
  assert.equal(data.output_text, 'Rain.');
  assert.match(response.headers.get('x-ccproxy-warning'), /unknown_input_item/);
  const [{ messages }] = await proxy.sent();
  const ids = messages.flatMap(({ content }) => content).map((block) => block.tool_use_id ?? block.id);
  for (const id of ['c1', 'c2', 'c3', 'c4'])
    assert.equal(ids.filter((known) => known === id).length, 2, `${id}: its call and its result`);
});

test('a reference to a stored item stands for it', async () => {
  await proxy.setReplies({ blocks: [THOUGHT, TEXT] });
  const { output } = await create();
  await create({ input: [{ role: 'user', content: input },
    ...output.map(({ id }) => ({ type: 'item_reference', id })),
    { role: 'user', content: 'And now?' }] });
  const [, { messages }] = await proxy.sent();
  assert.deepEqual(messages[1].content, [{ type: 'thinking', ...THOUGHT },
    { type: 'text', ...TEXT }]);
  await assert.rejects(create({ input: [{ type: 'item_reference', id: 'msg_of_nobody' }] }),
    (error) => {
      assert.ok(error instanceof OpenAI.NotFoundError, `${error}`);
      assert.match(error.message, /Item with id 'msg_of_nobody' not found\./);
      assert.equal(error.param, 'input');
      return true;
    });
});

test('a request with line breaks between its tokens does not break the lines of its stream',
  async () => {
    await proxy.setReplies({ blocks: [CALL('toolu_1')] });
    const neat = new OpenAI({ baseURL: proxy.baseURL, apiKey: 'any', maxRetries: 0,
      fetch: (url, { body, ...init }) => {
        const text = JSON.stringify(JSON.parse(body), null, 2).replaceAll('\n', '\r\n');
        return fetch(url, { ...init, body: text, headers: { 'content-type': 'application/json' } });
      } });
    const { response } = await read(neat.responses.create({ model, input, stream: true,
      tools: [get_weather, patch], metadata: { a: 'b', c: 'd' }, reasoning: { effort: 'low' },
      tool_choice: { type: 'function', name: 'get_weather' },
      text: { format: { type: 'json_schema', name: 'w', schema: { type: 'object',
        properties: {}, additionalProperties: false } } } }));
    assert.deepEqual(response.tools[0].parameters, get_weather.parameters);
    assert.deepEqual(response.metadata, { a: 'b', c: 'd' });
  });

test('B17 a body of this kind on the chat route gets a chat reply', async () => {
  await proxy.setReplies({ blocks: [TEXT, CALL('toolu_1')] });
  const body = { model, input: [{ role: 'system', content: 'Be short.' },
    { role: 'user', content: input }], tools: [get_weather], reasoning: { effort: 'low' } };
  const whole = await client.post('/chat/completions', { body });
  assert.equal(whole.object, 'chat.completion');
  assert.equal(whole.choices[0].message.tool_calls[0].function.name, 'get_weather');
  const choices = [];
  for await (const chunk of await client.chat.completions.create({ ...body, stream: true }))
    choices.push(...chunk.choices);
  assert.equal(choices.map(({ delta }) => delta.content ?? '').join(''), 'Looking.');
  assert.equal(choices.at(-1).finish_reason, 'tool_calls');
  const [sent] = await proxy.sent();
  assert.equal(sent.system[0].text, 'Be short.');
  assert.equal(sent.tools[0].name, 'get_weather');
});
