// Stored responses, as the SDK of OpenAI uses them: continued conversations, responses in the
// background, compaction.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import OpenAI from 'openai';
import { TWO_CALLS, startProxy } from '../support/proxy.mjs';
import { checkStream, read } from './events.mjs';

// With two workers, a response is not always fetched from the worker that created it.
const proxy = await startProxy({ server: { workers: 2 } });
const client = new OpenAI({ baseURL: proxy.baseURL, apiKey: 'any', maxRetries: 0 });
const model = 'claude-sonnet-5';
const input = 'How is the weather in Oslo and Bergen?';
const tools = [{ type: 'function', name: 'get_weather', strict: false,
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } }];
const create = (more = {}) => client.responses.create({ model, input, ...more });
const LONG = { blocks: [{ text: '', deltas: ['word '], repeat: 2000 }], pace: 10 };
const SLOW = { blocks: [{ text: '', deltas: ['word '], repeat: 50 }], pace: 10 };

// Polls until the response has none of these statuses.
async function settled(id, not = ['queued', 'in_progress']) {
  for (let i = 0; i < 500; ++i) {
    const response = await client.responses.retrieve(id);
    if (!not.includes(response.status)) return response;
    await pause(20);
  }
  return assert.fail('it does not end');
}

const lost = (id) => assert.rejects(client.responses.retrieve(id), (error) => {
  assert.ok(error instanceof OpenAI.NotFoundError, `${error}`);
  assert.match(error.message, new RegExp(`Response with id '${id}' not found\\.`));
  return true;
});

const forgotten = (previous_response_id) => assert.rejects(create({ previous_response_id }),
  (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError, `${error}`);
    assert.equal(error.code, 'previous_response_not_found');
    assert.equal(error.param, 'previous_response_id');
    return true;
  });

test('a conversation continues with the id of its last response', async () => {
  await proxy.setReplies(TWO_CALLS, { times: 1, text: 'Rain in both.' }, { text: 'Tomorrow too.' });
  const first = await create({ tools, instructions: 'Be short.' });
  const second = await client.responses.stream({ model, tools, previous_response_id: first.id,
    input: ['toolu_1', 'toolu_2'].map((call_id) =>
      ({ type: 'function_call_output', call_id, output: 'rain' })) }).finalResponse();
  assert.equal(second.output_text, 'Rain in both.');
  assert.equal(second.previous_response_id, first.id);
  const third = await create({ tools, previous_response_id: second.id, instructions: 'Be long.',
    input: 'And tomorrow?' });
  assert.equal(third.output_text, 'Tomorrow too.');
  const [one, two, three] = await proxy.sent();
  assert.equal(one.system[0].text, 'Be short.');
  assert.equal(two.system, undefined, 'instructions are not inherited');
  assert.deepEqual(three.system.map((block) => block.text), ['Be long.']);
  assert.deepEqual(three.messages.map((message) => message.role),
    ['user', 'assistant', 'user', 'assistant', 'user']);
  assert.deepEqual(three.messages[1].content.map((block) => block.type),
    ['thinking', 'text', 'tool_use', 'tool_use'], 'as the model said it');
  assert.equal(three.messages[1].content[0].signature, 'c2ln');
  const plain = (messages) => JSON.parse(JSON.stringify(messages,
    (key, value) => (key === 'cache_control' ? undefined : value)));
  assert.deepEqual(plain(three.messages).slice(0, 3), plain(two.messages), 'the same beginning');
});

test('a conversation branches', async () => {
  await proxy.setReplies({ text: 'Rain.' });
  for (const firstInput of [input, [{ role: 'user', content: input }],
    [{ role: 'user', content: [{ type: 'input_text', text: input }] }]]) {
    const first = await create({ input: firstInput });
    for (const next of ['And tomorrow?', 'And yesterday?']) {
      await create({ previous_response_id: first.id, input: next });
      const { messages } = (await proxy.sent()).at(-1);
      assert.deepEqual(messages.map(({ role, content }) => [role, content.map(({ text }) => text)]),
        [['user', [input]], ['assistant', ['Rain.']], ['user', [next]]]);
    }
  }
});

test('a conversation continues after a search, with what was found, and after a call that was cut',
  async () => {
    await proxy.setReplies({ times: 1, blocks: [
      { web_search: { query: 'weather', results: [{ url: 'https://example.com/', title: 'Sky' }] } },
      { text: 'It rains.' }] }, { text: 'Sun.' });
    const search = { tools: [{ type: 'web_search' }] };
    const found = await create(search);
    await create({ ...search, previous_response_id: found.id, input: 'And tomorrow?' });
    const [, second] = await proxy.sent();
    assert.deepEqual(second.messages[1].content.map((block) => block.type),
      ['server_tool_use', 'web_search_tool_result', 'text']);
    await proxy.setReplies({ times: 1, blocks: [{ text: 'Looking.' }, { tool_use: { id: 'toolu_1',
      name: 'get_weather', fragments: ['{"ci'] } }], stop_reason: 'max_tokens' }, { text: 'Sun.' });
    const cut = await create({ tools });
    assert.equal(cut.status, 'incomplete');
    await create({ tools, previous_response_id: cut.id, input: 'Go on.' });
    const [, third] = await proxy.sent();
    assert.deepEqual(third.messages.map(({ content }) => content.map((block) => block.type)),
      [['text'], ['text'], ['text']]);
  });

test('a conversation has one beginning', async () => {
  await proxy.setReplies({ text: 'Rain.' });
  const { id } = await create();
  await assert.rejects(create({ previous_response_id: id, conversation: 'conv_1' }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError, `${error}`);
    assert.equal(error.code, 'mutually_exclusive_parameters');
    return true;
  });
});

test('a response is stored until it is deleted', async () => {
  await proxy.setReplies({ text: 'Rain.' });
  const first = await create({ metadata: { a: 'b' } });
  const kept = await client.responses.retrieve(first.id);
  assert.deepEqual({ ...kept }, { ...first });
  await client.responses.delete(first.id);
  await lost(first.id);
  await forgotten(first.id);
});

test('a response with store: false is not stored', async () => {
  await proxy.setReplies({ text: 'Rain.' });
  const first = await create({ store: false });
  assert.equal(first.store, false);
  await lost(first.id);
  await forgotten(first.id);
  await forgotten('resp_of_nobody');
});

test('its input is listed, newest first, page by page', async () => {
  await proxy.setReplies({ text: 'Rain.' });
  const contents = ['one', 'two', 'three', 'four', 'five'];
  const { id } = await create({ input: contents.map((content) => ({ role: 'user', content })) });
  const texts = (item) => item.content.map((part) => part.text).join('');
  const pages = [];
  for await (const item of client.responses.inputItems.list(id, { limit: 2 })) pages.push(item);
  assert.deepEqual(pages.map(texts), contents.toReversed());
  assert.ok(pages.every((item) => item.id && item.type === 'message'));
  assert.equal(new Set(pages.map((item) => item.id)).size, 5);
  const upwards = await client.responses.inputItems.list(id, { order: 'asc' });
  assert.deepEqual(upwards.data.map(texts), contents);
  assert.equal(upwards.has_more, false);
});

test('a stream that has ended is replayed from any event', async () => {
  await proxy.setReplies(TWO_CALLS);
  const { events, response } = await read(create({ tools, stream: true }));
  const again = [];
  for await (const event of await client.responses.retrieve(response.id, { stream: true }))
    again.push(event);
  assert.deepEqual(again, events);
  const rest = [];
  for await (const event of await client.responses.retrieve(response.id,
    { stream: true, starting_after: 4 })) rest.push(event);
  assert.deepEqual(rest, events.slice(5));
  const helped = await client.responses.stream({ response_id: response.id }).finalResponse();
  assert.deepEqual(helped.output.map((item) => item.id), response.output.map((item) => item.id));
});

test('only what runs in the background is cancelled', async () => {
  await proxy.setReplies({ text: 'Rain.' });
  const { id } = await create();
  await assert.rejects(client.responses.cancel(id), OpenAI.BadRequestError);
  await assert.rejects(client.responses.cancel('resp_of_nobody'), OpenAI.NotFoundError);
});

test('in the background it runs by itself and is polled', async () => {
  await proxy.setReplies(SLOW);
  const begun = await create({ background: true });
  assert.equal(begun.status, 'queued');
  assert.equal(begun.background, true);
  assert.deepEqual(begun.output, []);
  assert.equal((await settled(begun.id, ['queued'])).status, 'in_progress');
  const done = await settled(begun.id);
  assert.equal(done.status, 'completed');
  assert.equal(done.output_text, 'word '.repeat(50));
  assert.ok(done.usage.output_tokens > 0);
  await proxy.setReplies({ text: 'Tomorrow too.' });
  await create({ previous_response_id: begun.id, input: 'And tomorrow?' });
  const [sent] = await proxy.sent();
  assert.equal(sent.messages.length, 3);
});

test('a stream in the background continues when its reader has left', async () => {
  await proxy.setReplies(SLOW);
  const events = [];
  for await (const event of await create({ background: true, stream: true })) {
    events.push(event);
    if (event.type === 'response.output_text.delta') break;
  }
  assert.deepEqual(events.slice(0, 2).map((event) => event.type),
    ['response.created', 'response.queued']);
  const { id } = events[0].response;
  const { sequence_number: last } = events.at(-1);
  for await (const event of await client.responses.retrieve(id,
    { stream: true, starting_after: last })) events.push(event);
  const response = checkStream(events);
  assert.equal(response.status, 'completed');
  assert.equal(response.output[0].content[0].text, 'word '.repeat(50));
  assert.ok(!(await proxy.requests()).at(-1).aborted);
});

test('two readers of one stream see the same', async () => {
  await proxy.setReplies(SLOW);
  const { id } = await create({ background: true });
  const [one, two] = await Promise.all([1, 2].map(async () =>
    (await read(client.responses.retrieve(id, { stream: true }))).events));
  assert.deepEqual(one, two);
});

test('in the background it is cancelled, upstream too', async () => {
  await proxy.setReplies(LONG);
  const { id } = await create({ background: true });
  await settled(id, ['queued']);
  while ((await proxy.requests()).length === 0) await pause(10);
  assert.equal((await client.responses.cancel(id)).status, 'cancelled');
  assert.ok(await proxy.wasAborted());
  assert.equal((await client.responses.cancel(id)).status, 'cancelled', 'once more is no error');
  assert.equal((await client.responses.retrieve(id)).status, 'cancelled');
});

test('in the background it fails with what went wrong', async () => {
  await proxy.setReplies({ status: 400, error: { type: 'invalid_request_error',
    message: 'prompt is too long: 210000 tokens > 200000 maximum' } });
  const { id } = await create({ background: true });
  const failed = await settled(id);
  assert.equal(failed.status, 'failed');
  assert.equal(failed.error.code, 'context_length_exceeded');
  assert.match(failed.error.message, /too long/);
  await forgotten(id);
});

test('the tokens of an input are counted', async () => {
  await proxy.setReplies();
  const few = await client.responses.inputTokens.count({ model, input });
  assert.equal(few.object, 'response.input_tokens');
  assert.ok(few.input_tokens > 0);
  const more = await client.responses.inputTokens.count({ model, input, tools,
    instructions: 'You know the weather.' });
  assert.ok(more.input_tokens > few.input_tokens);
  const targets = (await proxy.requests()).map((record) => record.target);
  assert.ok(targets.every((target) => target.startsWith('/v1/messages/count_tokens')));
});

test('A7 a conversation is compacted, and continues from that', async () => {
  await proxy.setReplies({ times: 1, text: 'They spoke of rain.' }, { text: 'Tomorrow too.' });
  const compacted = await client.responses.compact({ model, input: [
    { role: 'user', content: input }, { role: 'assistant', content: 'Rain in both.' }] });
  assert.equal(compacted.object, 'response.compaction');
  assert.deepEqual(compacted.output.map((item) => item.type), ['message', 'compaction']);
  assert.ok(compacted.usage.total_tokens > 0);
  const reply = await create({ input: [...compacted.output,
    { role: 'user', content: 'And tomorrow?' }] });
  assert.equal(reply.output_text, 'Tomorrow too.');
  const [, sent] = await proxy.sent();
  const sentText = JSON.stringify(sent.messages);
  assert.ok(sentText.includes('They spoke of rain.'), sentText);
  assert.ok(sentText.includes(input), 'what the user said stays');
  assert.ok(!sentText.includes('Rain in both.'));
});

test('A7 a compaction without a model is refused', async () => {
  await assert.rejects(client.responses.compact({ input }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError, `${error}`);
    assert.equal(error.param, 'model');
    return true;
  });
});

test('one proxy key does not see what another one has stored', async () => {
  const keys = ['sk-of-the-house-0123456789', 'sk-of-the-garden-012345678'];
  const guarded = await startProxy({ apiKeys: keys.map((key, i) => ({ name: `k${i}`, key })) });
  await guarded.setReplies({ text: 'Rain.' });
  const [mine, theirs] = keys.map((apiKey) =>
    new OpenAI({ baseURL: guarded.baseURL, apiKey, maxRetries: 0 }));
  const { id } = await mine.responses.create({ model, input });
  assert.equal((await mine.responses.retrieve(id)).id, id);
  await assert.rejects(theirs.responses.retrieve(id), OpenAI.NotFoundError);
  await assert.rejects(theirs.responses.delete(id), OpenAI.NotFoundError);
  await assert.rejects(theirs.responses.create({ model, input, previous_response_id: id }),
    OpenAI.BadRequestError);
});
