// The SDK of OpenAI for JavaScript; most tools are built on it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import OpenAI, { AzureOpenAI } from 'openai';
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { BROKEN, PNG, TWO_CALLS, startProxy, weather } from '../support/proxy.mjs';

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

// Returns the first choice that the chunks of a stream add up to.
async function joined(stream) {
  const choice = { message: { tool_calls: [] } };
  for await (const { choices: [piece] } of stream) {
    for (const { index, ...delta } of piece?.delta.tool_calls ?? []) {
      const call = choice.message.tool_calls[index];
      if (call) call.custom.input += delta.custom.input;
      else choice.message.tool_calls[index] = delta;
    }
    choice.finish_reason = piece?.finish_reason ?? choice.finish_reason;
  }
  return choice;
}

test('a whole reply has its text and its usage', async () => {
  await proxy.setReplies({ text: 'Rain, later sun.', usage: { cache_read_input_tokens: 100 } });
  const completion = await client.chat.completions.create({ model, messages });
  assert.equal(completion.choices[0].message.content, 'Rain, later sun.');
  assert.equal(completion.choices[0].finish_reason, 'stop');
  assert.equal(completion.model, model);
  assert.equal(completion.usage.prompt_tokens_details.cached_tokens, 100);
  assert.equal(completion.usage.total_tokens,
    completion.usage.prompt_tokens + completion.usage.completion_tokens);
});

test('a stream adds up to the same reply, with its usage last', async () => {
  await proxy.setReplies({ text: 'Rain, later sun.' });
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
  await proxy.setReplies(TWO_CALLS);
  const stream = client.chat.completions.stream({ model, messages, tools });
  const reasoning = [];
  stream.on('chunk', (chunk) => reasoning.push(chunk.choices[0]?.delta.reasoning_content ?? ''));
  const completion = await stream.finalChatCompletion();
  const { message, finish_reason: reason } = completion.choices[0];
  assert.equal(reason, 'tool_calls');
  assert.equal(message.content, 'Looking.');
  assert.equal(reasoning.join(''), 'Two cities.');
  assert.deepEqual(message.tool_calls.map((call) => [call.id, call.function.name,
    JSON.parse(call.function.arguments)]),
  [['toolu_1', 'get_weather', { city: 'Oslo' }], ['toolu_2', 'get_weather', { city: 'Bergen' }]]);
});

test('ten calls at once keep apart, with any name and any letter', async () => {
  const name = 'mcp.server/look it up';
  await proxy.setReplies({ blocks: Array.from({ length: 10 }, (_, i) => ({
    tool_use: { id: `toolu_${i}`, name: 'mcp_server_look_it_up',
      fragments: ['{"s":"', '\\ud83d\\ude00é😀', '"', `,"i":${i}}`] } })) });
  const completion = await client.chat.completions.stream({ model, messages,
    tools: [{ type: 'function', function: { name, parameters: { type: 'object' } } }],
  }).finalChatCompletion();
  assert.deepEqual(
    completion.choices[0].message.tool_calls.map(({ function: { name, arguments: text } }) =>
      [name, JSON.parse(text)]),
    Array.from({ length: 10 }, (_, i) => [name, { s: '😀é😀', i }]));
  const [sent] = await proxy.sent();
  assert.equal(sent.tools[0].name, 'mcp_server_look_it_up');
});

for (const stream of [false, true]) {
  test(`runTools calls the tools and returns the final reply (stream: ${stream})`, async () => {
    await proxy.setReplies(TWO_CALLS, { text: 'Rain in both.' });
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
  await proxy.setReplies({ text: '{"city":"Oslo","degrees":7.5}' });
  const completion = await client.chat.completions.parse({
    model, messages, response_format: zodResponseFormat(Weather, 'weather'),
  });
  assert.deepEqual(completion.choices[0].message.parsed, { city: 'Oslo', degrees: 7.5 });
  const [sent] = await proxy.sent();
  assert.equal(sent.output_config.format.type, 'json_schema');
  assert.equal(sent.output_config.format.schema.additionalProperties, false);
});

test('parse says that a reply was truncated', async () => {
  await proxy.setReplies({ text: '{"city":', stop_reason: 'max_tokens' });
  await assert.rejects(client.chat.completions.parse({
    model, messages, response_format: zodResponseFormat(z.object({ city: z.string() }), 'w'),
  }), OpenAI.LengthFinishReasonError);
});

test('the stream helper parses calls of strict tools and the object of the schema', async () => {
  const City = z.object({ city: z.string() });
  await proxy.setReplies({ blocks: [{ text: '', deltas: ['{"ci', 'ty":"Os', 'lo"}'] },
    { tool_use: { id: 'toolu_1', name: 'get_weather', fragments: ['{"ci', 'ty":"Oslo"}'] } }] });
  const stream = client.chat.completions.stream({ model, messages,
    response_format: zodResponseFormat(City, 'place'),
    tools: [zodFunction({ name: 'get_weather', parameters: City })] });
  const done = [];
  stream.on('tool_calls.function.arguments.done', (call) => done.push(call.parsed_arguments));
  const { message } = (await stream.finalChatCompletion()).choices[0];
  assert.deepEqual(message.parsed, { city: 'Oslo' });
  assert.deepEqual(done, [{ city: 'Oslo' }]);
  assert.deepEqual(message.tool_calls[0].function.parsed_arguments, { city: 'Oslo' });
  const [sent] = await proxy.sent();
  assert.equal(sent.tools[0].strict, true);
});

for (const stream of [false, true]) {
  test(`a call without arguments has an empty object (stream: ${stream})`, async () => {
    await proxy.setReplies({ times: 1, blocks: [{ tool_use: { id: 'toolu_1', name: 'now',
      fragments: [''] } }] }, { text: 'Noon.' });
    const runner = client.chat.completions.runTools({ model, messages, stream,
      tools: [{ type: 'function', function: { name: 'now', parse: JSON.parse,
        parameters: { type: 'object', properties: {} },
        function: (input) => JSON.stringify(input) } }] });
    assert.equal(await runner.finalContent(), 'Noon.');
    const [, second] = await proxy.sent();
    assert.deepEqual(second.messages.at(-1).content[0].content, '{}');
    assert.deepEqual(second.messages.at(-2).content.at(-1).input, {});
  });
}

test('arguments that are no JSON go back with what is wrong, and the loop continues', async () => {
  await proxy.setReplies({ times: 1, blocks: [{ tool_use: { id: 'toolu_1', name: 'get_weather',
    fragments: ['{"city": Oslo'] } }] }, { text: 'Again, then.' });
  const runner = client.chat.completions.runTools({ model, messages, stream: true,
    tools: [{ ...tools[0], function: { ...tools[0].function, parse: JSON.parse,
      function: weather } }] });
  assert.equal(await runner.finalContent(), 'Again, then.');
  const [, second] = await proxy.sent();
  assert.deepEqual(second.messages[1].content[0].input, { _raw: '{"city": Oslo' });
  assert.match(JSON.stringify(second.messages[2].content[0]), /JSON/);
});

for (const stream of [false, true]) {
  test(`a custom tool is called with its text (stream: ${stream})`, async () => {
    await proxy.setReplies({ blocks: [{ tool_use: { id: 'toolu_1', name: 'shell',
      fragments: ['{"input":"ls ', '-l\\n"}'] } }] });
    const request = { model, messages, tools: [{ type: 'custom', custom: { name: 'shell' } }] };
    const completion = stream
      ? await joined(await client.chat.completions.create({ ...request, stream }))
      : (await client.chat.completions.create(request)).choices[0];
    assert.equal(completion.finish_reason, 'tool_calls');
    const [call] = completion.message.tool_calls;
    assert.equal(call.type, 'custom');
    assert.deepEqual({ ...call.custom }, { name: 'shell', input: 'ls -l\n' });
  });
}

test('a truncated reply, and one that a stop sequence ended, say why they ended', async () => {
  const reason = async () => (await client.chat.completions
    .stream({ model, messages, stop: ['END'], max_completion_tokens: 5 })
    .finalChatCompletion()).choices[0].finish_reason;
  await proxy.setReplies({ text: 'It will', stop_reason: 'max_tokens' });
  assert.equal(await reason(), 'length');
  await proxy.setReplies({ text: 'It will', stop_reason: 'stop_sequence', stop_sequence: 'END' });
  assert.equal(await reason(), 'stop');
  const [sent] = await proxy.sent();
  assert.deepEqual(sent.stop_sequences, ['END']);
  assert.equal(sent.max_tokens, 5);
});

test('images and files arrive', async () => {
  const pdf = Buffer.from('%PDF-1.4 nothing').toString('base64');
  await proxy.setReplies({ text: 'A dot.' });
  const completion = await client.chat.completions.create({ model, messages: [{ role: 'user', content: [
    { type: 'text', text: 'What is it?' },
    { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}`, detail: 'low' } },
    { type: 'file', file: { filename: 'a.pdf', file_data: `data:application/pdf;base64,${pdf}` } },
  ] }] });
  assert.equal(completion.choices[0].message.content, 'A dot.');
  const [sent] = await proxy.sent();
  const [text, image, file] = sent.messages[0].content;
  assert.equal(text.text, 'What is it?');
  assert.deepEqual(image.source, { type: 'base64', media_type: 'image/png', data: PNG });
  assert.equal(file.type, 'document');
  assert.equal(file.source.data, pdf);
});

test('a refusal is reported as one', async () => {
  await proxy.setReplies({ blocks: [], stop_reason: 'refusal',
    stop_details: { type: 'refusal', category: 'cyber', explanation: 'Not that.' } });
  const completion = await client.chat.completions.stream({ model, messages }).finalChatCompletion();
  assert.equal(completion.choices[0].finish_reason, 'content_filter');
  assert.equal(completion.choices[0].message.refusal, 'Not that.');
  await assert.rejects(client.chat.completions.parse({
    model, messages, response_format: zodResponseFormat(z.object({ city: z.string() }), 'w'),
  }), OpenAI.ContentFilterFinishReasonError);
});

test('errors are of the class that the SDK has for them', async () => {
  const cases = [
    [{ status: 400, error: { type: 'invalid_request_error',
      message: 'prompt is too long: 210000 tokens > 200000 maximum' } },
    OpenAI.BadRequestError, 'context_length_exceeded'],
    [{ status: 401, error: 'authentication_error' }, OpenAI.AuthenticationError, 'upstream_auth'],
    [{ status: 403, error: 'permission_error' }, OpenAI.PermissionDeniedError,
      'permission_denied'],
    [{ status: 404, error: { type: 'not_found_error', message: 'model: claude-sonnet-5' } },
      OpenAI.NotFoundError, 'model_not_found'],
    [{ status: 413, error: 'request_too_large' }, OpenAI.APIError, 'request_too_large', 413],
    [{ status: 429, error: 'rate_limit_error', headers: { 'retry-after': '3000' } },
      OpenAI.RateLimitError, 'rate_limit_exceeded'],
    [{ status: 529, error: 'overloaded_error', headers: { 'retry-after': '3000' } },
      OpenAI.InternalServerError, 'overloaded', 503],
  ];
  for (const stream of [false, true]) {
    for (const [reply, kind, code, status = reply.status] of cases) {
      await proxy.setReplies(reply);
      await assert.rejects(client.chat.completions.create({ model, messages, stream }), (error) => {
        assert.ok(error instanceof kind, `${error}`);
        assert.equal(error.code, code);
        assert.equal(error.status, status);
        assert.ok(error.requestID);
        return true;
      });
    }
  }
});

test('the SDK retries as the reply tells it', async () => {
  const patient = client.withOptions({ maxRetries: 2 });
  await proxy.setReplies({ times: 1, status: 429, error: 'rate_limit_error' }, { text: 'Rain.' });
  const completion = await patient.chat.completions.create({ model, messages });
  assert.equal(completion.choices[0].message.content, 'Rain.');
  await proxy.setReplies({ status: 401, error: 'authentication_error' });
  await assert.rejects(patient.chat.completions.create({ model, messages }),
    OpenAI.AuthenticationError);
  assert.equal((await proxy.requests()).length, 1);
  await proxy.setReplies({ status: 402, error: 'billing_error' });
  await assert.rejects(patient.chat.completions.create({ model, messages }), (error) => {
    assert.ok(error instanceof OpenAI.RateLimitError, `${error}`);
    assert.equal(error.code, 'insufficient_quota');
    return true;
  });
  assert.equal((await proxy.requests()).length, 1, 'a 429 that no other attempt would mend');
});

test('an error names the invalid member', async () => {
  await proxy.setReplies();
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
  await proxy.setReplies(BROKEN);
  const stream = await client.chat.completions.create({ model, messages, stream: true });
  let text = '';
  await assert.rejects(async () => {
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
  }, (error) => {
    assert.ok(error instanceof OpenAI.APIError);
    assert.equal(error.code, 'overloaded');
    assert.match(error.message, /Overloaded/);
    return true;
  });
  assert.equal(text, 'It will');
});

// A reset may discard what was sent before it.
for (const [fault, before] of [['end-mid=5', /^It will $/], ['close-mid=5', /^It will $/],
  ['reset-mid=5', /^(It (will )?)?$/]]) {
  test(`a stream that breaks off upstream (${fault}) is an error`, async () => {
    await proxy.setReplies({ blocks: [{ text: '', deltas: ['It ', 'will ', 'rain.'] }], fault });
    const stream = client.chat.completions.stream({ model, messages });
    const text = [];
    stream.on('content', (piece) => text.push(piece));
    await assert.rejects(stream.finalChatCompletion(), (error) => {
      assert.ok(error instanceof OpenAI.APIError, `${error}`);
      assert.equal(error.code, 'upstream_unreachable');
      assert.match(error.message, /connection lost/);
      return true;
    });
    assert.match(text.join(''), before);
  });
}

test('the next attempt after a stream that broke comes through on its connection', async () => {
  const broken = { times: 1, blocks: [{ text: '', deltas: ['It ', 'will ', 'rain.'] }],
    fault: 'end-mid=5' };
  for (let attempt = 0; attempt < 20; ++attempt) {
    await proxy.setReplies(broken, { text: 'Rain.' });
    await assert.rejects(client.chat.completions.stream({ model, messages }).finalChatCompletion(),
      /connection lost/);
    const completion = await client.chat.completions.create({ model, messages });
    assert.equal(completion.choices[0].message.content, 'Rain.');
  }
});

const LONG = { blocks: [{ text: '', deltas: ['word '], repeat: 2000 }], pace: 10 };

test('a stream that its reader leaves is aborted upstream, too', async () => {
  await proxy.setReplies(LONG);
  const stream = await client.chat.completions.create({ model, messages, stream: true });
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
  assert.ok(await proxy.wasAborted());
});

test('a whole reply that is cancelled is aborted upstream, too', async () => {
  await proxy.setReplies(LONG);
  const controller = new AbortController();
  const pending = client.chat.completions.create({ model, messages }, { signal: controller.signal });
  while ((await proxy.requests()).length === 0) await pause(10);
  controller.abort();
  await assert.rejects(pending, OpenAI.APIUserAbortError);
  assert.ok(await proxy.wasAborted());
});

test('the stream helper is aborted', async () => {
  await proxy.setReplies(LONG);
  const stream = client.chat.completions.stream({ model, messages });
  stream.on('content', () => stream.abort());
  await assert.rejects(stream.finalChatCompletion(), OpenAI.APIUserAbortError);
  assert.ok(await proxy.wasAborted());
});

for (const stream of [false, true]) {
  test(`sources of a web search are reported with their positions (stream: ${stream})`, async () => {
    await proxy.setReplies({ blocks: [
      { web_search: { query: 'weather', results: [{ url: 'https://example.com/', title: 'Sky' }] } },
      { text: 'Über Oslo: ' },
      { text: 'It rains.', citations: [{ url: 'https://example.com/', title: 'Sky',
        cited_text: 'rain' }] },
    ] });
    const request = { model, messages, web_search_options: {} };
    const annotations = [];
    let text = '';
    if (stream) {
      for await (const chunk of await client.chat.completions.create({ ...request, stream })) {
        text += chunk.choices[0]?.delta.content ?? '';
        annotations.push(...chunk.choices[0]?.delta.annotations ?? []);
      }
    } else {
      const { message } = (await client.chat.completions.create(request)).choices[0];
      text = message.content;
      annotations.push(...message.annotations);
    }
    assert.equal(text, 'Über Oslo: It rains.');
    assert.equal(annotations.length, 1);
    const { url, title, start_index: begin, end_index: end } = annotations[0].url_citation;
    assert.deepEqual([url, title, text.slice(begin, end)],
      ['https://example.com/', 'Sky', 'It rains.']);
    const [sent] = await proxy.sent();
    assert.match(sent.tools[0].type, /^web_search_/);
  });
}

test('Azure\'s client has an endpoint and a deployment', async () => {
  const azure = new AzureOpenAI({ endpoint: proxy.baseURL.replace('/v1', ''), apiKey: 'any',
    apiVersion: '2024-10-21', maxRetries: 0 });
  await proxy.setReplies(TWO_CALLS);
  const stream = azure.chat.completions.stream({ model, messages, tools });
  const { message } = (await stream.finalChatCompletion()).choices[0];
  assert.deepEqual(message.tool_calls.map((call) => call.id), ['toolu_1', 'toolu_2']);
  const [sent] = await proxy.sent();
  assert.equal(sent.model, model);
});

test('a proxy key is asked for, in each client\'s own field', async () => {
  const key = 'sk-of-the-house-0123456789';
  const guarded = await startProxy({ apiKeys: [{ name: 'mine', key }] });
  const endpoint = guarded.baseURL.replace('/v1', '');
  const clients = (apiKey) => [
    new OpenAI({ baseURL: guarded.baseURL, apiKey, maxRetries: 0 }),
    new AzureOpenAI({ endpoint, apiKey, apiVersion: '2024-10-21', maxRetries: 0 }),
  ];
  await guarded.setReplies({ text: 'Rain.' });
  for (const keyedClient of clients('sk-of-nobody')) {
    await assert.rejects(keyedClient.chat.completions.create({ model, messages }), (error) => {
      assert.ok(error instanceof OpenAI.AuthenticationError, `${error}`);
      assert.equal(error.code, 'invalid_api_key');
      return true;
    });
  }
  assert.deepEqual(await guarded.sent(), []);
  for (const keyedClient of clients(key)) {
    const completion = await keyedClient.chat.completions.create({ model, messages });
    assert.equal(completion.choices[0].message.content, 'Rain.');
  }
  for (const { headers } of await guarded.requests())
    assert.ok(!JSON.stringify(headers).includes(key), 'it stays here');
});

test('ignored members are named in the headers', async () => {
  await proxy.setReplies({ text: 'Rain.' });
  const { response } = await client.chat.completions.create({ model, messages, seed: 7 })
    .withResponse();
  assert.equal(response.headers.get('x-ccproxy-ignored'), 'seed');
});

test('models are listed and the legacy completion answers', async () => {
  const ids = [];
  for await (const entry of client.models.list()) ids.push(entry.id);
  assert.ok(ids.includes('claude-sonnet-5'));
  assert.equal((await client.models.retrieve('claude-sonnet-5')).object, 'model');
  await assert.rejects(client.models.retrieve('nothing'), OpenAI.NotFoundError);
  await proxy.setReplies({ text: 'Once upon a time.' });
  const completion = await client.completions.create({ model, prompt: 'Tell a story.' });
  assert.equal(completion.choices[0].text, 'Once upon a time.');
  await assert.rejects(client.embeddings.create({ model, input: 'x' }), OpenAI.NotFoundError);
});
