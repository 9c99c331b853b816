// The SDK of OpenAI for JavaScript: what most tools are built on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { BROKEN, TWO_CALLS, startProxy, weather } from './proxy.mjs';

const proxy = await startProxy();
const client = new OpenAI({ baseURL: proxy.baseURL, apiKey: 'any', maxRetries: 0 });
const model = 'claude-sonnet-5';
const messages = [{ role: 'user', content: 'How is the weather in Oslo and Bergen?' }];
const tools = [{
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather of a city.',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
}];

test('a whole answer has its text and its usage', async () => {
  await proxy.answers({ text: 'Rain, later sun.', usage: { cache_read_input_tokens: 100 } });
  const answer = await client.chat.completions.create({ model, messages });
  assert.equal(answer.choices[0].message.content, 'Rain, later sun.');
  assert.equal(answer.choices[0].finish_reason, 'stop');
  assert.equal(answer.model, model);
  assert.equal(answer.usage.prompt_tokens_details.cached_tokens, 100);
  assert.equal(answer.usage.total_tokens,
    answer.usage.prompt_tokens + answer.usage.completion_tokens);
});

test('a stream says the same as it comes, and its usage last', async () => {
  await proxy.answers({ text: 'Rain, later sun.' });
  const stream = await client.chat.completions.create({
    model, messages, stream: true, stream_options: { include_usage: true },
  });
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join(''),
    'Rain, later sun.');
  assert.ok(chunks.length > 4, 'in pieces');
  assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.ok(chunks.at(-1).usage.completion_tokens > 0);
  assert.ok(chunks.slice(0, -1).every((chunk) => chunk.usage === null));
});

test('the stream helper puts thinking, text and two calls together', async () => {
  await proxy.answers(TWO_CALLS);
  const stream = client.chat.completions.stream({ model, messages, tools });
  const reasoning = [];
  stream.on('chunk', (chunk) => reasoning.push(chunk.choices[0]?.delta.reasoning_content ?? ''));
  const answer = await stream.finalChatCompletion();
  const { message, finish_reason: reason } = answer.choices[0];
  assert.equal(reason, 'tool_calls');
  assert.equal(message.content, 'Looking.');
  assert.equal(reasoning.join(''), 'Two cities.');
  assert.deepEqual(message.tool_calls.map((call) => [call.id, call.function.name,
    JSON.parse(call.function.arguments)]),
  [['toolu_1', 'get_weather', { city: 'Oslo' }], ['toolu_2', 'get_weather', { city: 'Bergen' }]]);
});

for (const stream of [false, true]) {
  test(`runTools calls the tools and gets the last word (stream: ${stream})`, async () => {
    await proxy.answers(TWO_CALLS, { text: 'Rain in both.' });
    const called = [];
    const runner = client.chat.completions.runTools({
      model, messages, stream,
      tools: [{ ...tools[0], function: { ...tools[0].function, parse: JSON.parse,
        function: (input) => (called.push(input.city), weather(input)) } }],
    });
    assert.equal(await runner.finalContent(), 'Rain in both.');
    assert.deepEqual(called.sort(), ['Bergen', 'Oslo']);
    const [, second] = await proxy.sent();
    assert.deepEqual(second.messages[1].content.map((block) => block.type),
      ['thinking', 'text', 'tool_use', 'tool_use'], 'the signed thinking came back');
    assert.deepEqual(second.messages[2].content.map((block) => [block.tool_use_id, block.content]),
      [['toolu_1', 'Oslo: rain'], ['toolu_2', 'Bergen: rain']]);
  });
}

test('parse gives the object that the schema asks for', async () => {
  const Weather = z.object({ city: z.string(), degrees: z.number() });
  await proxy.answers({ text: '{"city":"Oslo","degrees":7.5}' });
  const answer = await client.chat.completions.parse({
    model, messages, response_format: zodResponseFormat(Weather, 'weather'),
  });
  assert.deepEqual(answer.choices[0].message.parsed, { city: 'Oslo', degrees: 7.5 });
  const [sent] = await proxy.sent();
  assert.equal(sent.output_config.format.type, 'json_schema');
  assert.equal(sent.output_config.format.schema.additionalProperties, false);
});

test('parse says that an answer was cut', async () => {
  await proxy.answers({ text: '{"city":', stop_reason: 'max_tokens' });
  await assert.rejects(client.chat.completions.parse({
    model, messages, response_format: zodResponseFormat(z.object({ city: z.string() }), 'w'),
  }), OpenAI.LengthFinishReasonError);
});

test('a refusal is one', async () => {
  await proxy.answers({ blocks: [], stop_reason: 'refusal',
    stop_details: { type: 'refusal', category: 'cyber', explanation: 'Not that.' } });
  const answer = await client.chat.completions.stream({ model, messages }).finalChatCompletion();
  assert.equal(answer.choices[0].finish_reason, 'content_filter');
  assert.equal(answer.choices[0].message.refusal, 'Not that.');
});

test('errors are of the class that the SDK has for them', async () => {
  const cases = [
    [{ status: 400, error: { type: 'invalid_request_error',
      message: 'prompt is too long: 210000 tokens > 200000 maximum' } },
    OpenAI.BadRequestError, 'context_length_exceeded'],
    [{ status: 403, error: 'permission_error' }, OpenAI.PermissionDeniedError, undefined],
    [{ status: 404, error: { type: 'not_found_error', message: 'model: claude-sonnet-5' } },
      OpenAI.NotFoundError, 'model_not_found'],
  ];
  for (const [reply, kind, code] of cases) {
    await proxy.answers(reply);
    await assert.rejects(client.chat.completions.create({ model, messages }), (error) => {
      assert.ok(error instanceof kind, `${error}`);
      if (code) assert.equal(error.code, code);
      assert.ok(error.requestID);
      return true;
    });
  }
});

test('what is wrong in a request is named', async () => {
  await proxy.answers();
  await assert.rejects(client.chat.completions.create({
    model, messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }],
  }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, 'messages[0].content[0]');
    return true;
  });
  assert.deepEqual(await proxy.sent(), []);
});

test('an error in the middle of a stream is thrown', async () => {
  await proxy.answers(BROKEN);
  const stream = await client.chat.completions.create({ model, messages, stream: true });
  let text = '';
  await assert.rejects(async () => {
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
  }, (error) => {
    assert.ok(error instanceof OpenAI.APIError);
    assert.equal(error.code, 'overloaded');
    return true;
  });
  assert.equal(text, 'It will');
});

test('a stream that is left early is left upstream too', async () => {
  await proxy.answers({ blocks: [{ text: '', deltas: ['word '], repeat: 2000 }], pace: 10 });
  const stream = await client.chat.completions.create({ model, messages, stream: true });
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
  const seen = async () => (await proxy.requests())[0];
  for (let i = 0; i < 100 && !(await seen()).aborted; ++i) await setTimeout(20);
  assert.ok((await seen()).aborted);
});

test('models are listed and the legacy completion answers', async () => {
  const ids = [];
  for await (const entry of client.models.list()) ids.push(entry.id);
  assert.ok(ids.includes('claude-sonnet-5'));
  await proxy.answers({ text: 'Once upon a time.' });
  const answer = await client.completions.create({ model, prompt: 'Tell a story.' });
  assert.equal(answer.choices[0].text, 'Once upon a time.');
  await assert.rejects(client.embeddings.create({ model, input: 'x' }), OpenAI.NotFoundError);
});
