// The SDK of OpenAI for JavaScript with the Responses API; most tools are built on it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import OpenAI, { AzureOpenAI } from 'openai';
import { zodResponsesFunction, zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { BROKEN, PNG, TWO_CALLS, startProxy, weather } from '../support/proxy.mjs';
import { checkResponse, read } from './events.mjs';

const proxy = await startProxy();
const client = new OpenAI({ baseURL: proxy.baseURL, apiKey: 'any', maxRetries: 0 });
const model = 'claude-sonnet-5';
const input = 'How is the weather in Oslo and Bergen?';
const tools = [{
  type: 'function',
  name: 'get_weather',
  description: 'The weather of a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  strict: false,
}];
const create = (more = {}) => client.responses.create({ model, input, ...more });
const outputs = (response) => response.output
  .filter((item) => item.type === 'function_call')
  .map(({ call_id, arguments: text }) => ({ type: 'function_call_output', call_id,
    output: weather(JSON.parse(text)) }));

test('a whole reply has its text and its usage', async () => {
  await proxy.setReplies({ text: 'Rain, later sun.', usage: { cache_read_input_tokens: 100,
    cache_creation_input_tokens: 20 } });
  const reply = await create({ instructions: 'You know the weather.', metadata: { a: 'b' } });
  checkResponse(reply);
  assert.equal(reply.output_text, 'Rain, later sun.');
  assert.equal(reply.status, 'completed');
  assert.equal(reply.model, model);
  assert.equal(reply.instructions, 'You know the weather.');
  assert.deepEqual(reply.metadata, { a: 'b' });
  assert.deepEqual(reply.usage.input_tokens_details,
    { cached_tokens: 100, cache_write_tokens: 20 });
  assert.ok(reply.usage.input_tokens > 120);
  assert.equal(reply.usage.total_tokens, reply.usage.input_tokens + reply.usage.output_tokens);
  assert.ok(reply._request_id);
  const [sent] = await proxy.sent();
  assert.deepEqual(sent.system, [{ type: 'text', text: 'You know the weather.' }]);
  assert.equal(sent.metadata, undefined, 'metadata stays here');
});

test('a stream adds up to the same reply', async () => {
  await proxy.setReplies({ text: 'Rain, later sun.' });
  const { events, response } = await read(create({ stream: true }));
  assert.deepEqual(events.map((event) => event.type), [
    'response.created', 'response.in_progress', 'response.output_item.added',
    'response.content_part.added', ...events.slice(4, -4).map(() => 'response.output_text.delta'),
    'response.output_text.done', 'response.content_part.done', 'response.output_item.done',
    'response.completed']);
  assert.ok(events.length > 9, 'in pieces');
  assert.equal(response.output[0].content[0].text, 'Rain, later sun.');
  assert.ok(response.usage.output_tokens > 0);
});

test('the stream helper emits each delta and the final response', async () => {
  await proxy.setReplies({ text: 'Rain, later sun.' });
  const stream = client.responses.stream({ model, input });
  const snapshots = [];
  stream.on('response.output_text.delta', ({ snapshot }) => snapshots.push(snapshot));
  const reply = await stream.finalResponse();
  assert.equal(reply.output_text, 'Rain, later sun.');
  assert.equal(snapshots.at(-1), 'Rain, later sun.');
  assert.ok(snapshots.length > 1);
});

test('the stream helper puts thinking, text and two calls together', async () => {
  await proxy.setReplies(TWO_CALLS);
  const stream = client.responses.stream({ model, input, tools,
    reasoning: { effort: 'low', summary: 'auto' } });
  const thoughts = [];
  stream.on('response.reasoning_summary_text.delta', ({ delta }) => thoughts.push(delta));
  const { output, usage } = await stream.finalResponse();
  assert.deepEqual(output.map((item) => item.type),
    ['reasoning', 'message', 'function_call', 'function_call']);
  assert.equal(thoughts.join(''), 'Two cities.');
  assert.deepEqual(output[0].summary, [{ type: 'summary_text', text: 'Two cities.' }]);
  assert.ok(output[0].encrypted_content);
  assert.deepEqual(output.slice(2).map((call) => [call.call_id, call.name,
    JSON.parse(call.arguments), call.status]),
  [['toolu_1', 'get_weather', { city: 'Oslo' }, 'completed'],
    ['toolu_2', 'get_weather', { city: 'Bergen' }, 'completed']]);
  assert.ok(usage.output_tokens > 0);
  const [sent] = await proxy.sent();
  assert.equal(sent.output_config.effort, 'low');
  assert.equal(sent.thinking.display, 'summarized');
});

test('how much of the output was thinking is reported, and none of its text unless requested',
  async () => {
    await proxy.setReplies({ blocks: [{ thinking: 'Well.', signature: 'c2ln' }, { text: 'Rain.' }],
      usage: { output_tokens: 30, output_tokens_details: { thinking_tokens: 20 } } });
    for (const stream of [false, true]) {
      const reply = stream ? (await read(create({ stream }))).response : await create();
      assert.deepEqual(reply.output.map((item) => item.type), ['reasoning', 'message']);
      assert.deepEqual(reply.output[0].summary, []);
      assert.ok(reply.output[0].encrypted_content);
      assert.deepEqual(reply.usage.output_tokens_details, { reasoning_tokens: 20 });
    }
  });

for (const stream of [false, true]) {
  test(`all earlier output goes back with the results of calls (stream: ${stream})`, async () => {
    await proxy.setReplies(TWO_CALLS, { text: 'Rain in both.' });
    const first = stream
      ? await client.responses.stream({ model, input, tools, store: false }).finalResponse()
      : await create({ tools, store: false });
    const reply = await create({ tools, store: false,
      input: [{ role: 'user', content: input }, ...first.output, ...outputs(first)] });
    assert.equal(reply.output_text, 'Rain in both.');
    const [, second] = await proxy.sent();
    const { content: blocks } = second.messages[1];
    assert.deepEqual(blocks.map((block) => block.type),
      ['thinking', 'text', 'tool_use', 'tool_use'], 'the signed thinking came back');
    assert.deepEqual([blocks[0].thinking, blocks[0].signature], ['Two cities.', 'c2ln']);
    assert.deepEqual(second.messages[2].content.map((block) => [block.tool_use_id, block.content]),
      [['toolu_1', 'Oslo: rain'], ['toolu_2', 'Bergen: rain']]);
  });

  test(`a custom tool is called with its text, and its result goes back (stream: ${stream})`,
    async () => {
      await proxy.setReplies({ times: 1, blocks: [{ tool_use: { id: 'toolu_1', name: 'shell',
        fragments: ['{"input":"ls ', '-l \\"a', '\\"\\n"}'] } }] }, { text: 'Nothing there.' });
      const custom = [{ type: 'custom', name: 'shell' }];
      const first = stream ? (await read(create({ tools: custom, stream }))).response
        : await create({ tools: custom });
      const [call] = first.output;
      assert.equal(call.type, 'custom_tool_call');
      assert.deepEqual([call.name, call.call_id, call.input],
        ['shell', 'toolu_1', 'ls -l "a"\n']);
      const reply = await create({ tools: custom, input: [{ role: 'user', content: input }, call,
        { type: 'custom_tool_call_output', call_id: 'toolu_1', output: '' }] });
      assert.equal(reply.output_text, 'Nothing there.');
      const [, second] = await proxy.sent();
      assert.deepEqual(second.messages[1].content[0].input, { input: 'ls -l "a"\n' });
      assert.equal(second.messages[2].content[0].tool_use_id, 'toolu_1');
    });

  test(`a function that stands in a namespace is called there (stream: ${stream})`, async () => {
    await proxy.setReplies({ blocks: [{ tool_use: { id: 'toolu_1', name: 'crew__spawn',
      input: { n: 2 } } }] });
    const named = [{ type: 'namespace', name: 'crew', description: 'Helpers.', tools: [
      { type: 'function', name: 'spawn', parameters: { type: 'object' } }] }];
    const reply = stream
      ? await client.responses.stream({ model, input, tools: named }).finalResponse()
      : await create({ tools: named });
    const [{ name, namespace, arguments: text }] = reply.output;
    assert.deepEqual([name, namespace, JSON.parse(text)], ['spawn', 'crew', { n: 2 }]);
    const [sent] = await proxy.sent();
    assert.deepEqual(sent.tools.map((tool) => tool.name), ['crew__spawn']);
  });
}

test('parse gives the object that the schema asks for', async () => {
  const Weather = z.object({ city: z.string(), degrees: z.number() });
  await proxy.setReplies({ text: '{"city":"Oslo","degrees":7.5}' });
  const reply = await client.responses.parse({ model, input,
    text: { format: zodTextFormat(Weather, 'weather') } });
  assert.deepEqual(reply.output_parsed, { city: 'Oslo', degrees: 7.5 });
  assert.equal(reply.text.format.name, 'weather');
  const [sent] = await proxy.sent();
  assert.equal(sent.output_config.format.type, 'json_schema');
  assert.equal(sent.output_config.format.schema.additionalProperties, false);
});

test('the stream helper parses calls of strict tools and the object of the schema', async () => {
  const City = z.object({ city: z.string() });
  await proxy.setReplies({ blocks: [{ text: '', deltas: ['{"ci', 'ty":"Os', 'lo"}'] },
    { tool_use: { id: 'toolu_1', name: 'get_weather', fragments: ['{"ci', 'ty":"Oslo"}'] } }] });
  const stream = client.responses.stream({ model, input,
    text: { format: zodTextFormat(City, 'place') },
    tools: [zodResponsesFunction({ name: 'get_weather', parameters: City })] });
  const reply = await stream.finalResponse();
  assert.deepEqual(reply.output_parsed, { city: 'Oslo' });
  assert.deepEqual(reply.output[1].parsed_arguments, { city: 'Oslo' });
  assert.equal(reply.tools[0].strict, true);
  const [sent] = await proxy.sent();
  assert.equal(sent.tools[0].strict, true);
});

test('settings arrive, and come back in the response', async () => {
  await proxy.setReplies({ text: 'Rain.' });
  const reply = await create({ tools, tool_choice: 'required', parallel_tool_calls: false,
    max_output_tokens: 500, prompt_cache_key: 'mine', safety_identifier: 'me' });
  assert.equal(reply.tool_choice, 'required');
  assert.equal(reply.parallel_tool_calls, false);
  assert.equal(reply.max_output_tokens, 500);
  assert.equal(reply.prompt_cache_key, 'mine');
  assert.deepEqual(reply.tools, tools);
  const [sent] = await proxy.sent();
  assert.equal(sent.max_tokens, 500);
  assert.deepEqual(sent.tool_choice, { type: 'any', disable_parallel_tool_use: true });
});

test('images and files arrive', async () => {
  const pdf = Buffer.from('%PDF-1.4 nothing').toString('base64');
  await proxy.setReplies({ text: 'A dot.' });
  const reply = await create({ input: [{ role: 'user', content: [
    { type: 'input_text', text: 'What is it?' },
    { type: 'input_image', image_url: `data:image/png;base64,${PNG}`, detail: 'low' },
    { type: 'input_file', filename: 'a.pdf', file_data: `data:application/pdf;base64,${pdf}` },
  ] }] });
  assert.equal(reply.output_text, 'A dot.');
  const [sent] = await proxy.sent();
  const [text, image, file] = sent.messages[0].content;
  assert.equal(text.text, 'What is it?');
  assert.deepEqual(image.source, { type: 'base64', media_type: 'image/png', data: PNG });
  assert.equal(file.type, 'document');
  assert.equal(file.source.data, pdf);
});

test('the result of a call may have an image', async () => {
  await proxy.setReplies({ text: 'A dot.' });
  await create({ tools, input: [{ role: 'user', content: input },
    { type: 'function_call', call_id: 'c1', name: 'get_weather', arguments: '{"city":"Oslo"}' },
    { type: 'function_call_output', call_id: 'c1', output: [
      { type: 'input_text', text: 'Look.' },
      { type: 'input_image', image_url: `data:image/png;base64,${PNG}` }] }] });
  const [sent] = await proxy.sent();
  assert.deepEqual(sent.messages[2].content[0].content.map((block) => block.type),
    ['text', 'image']);
});

for (const stream of [false, true]) {
  test(`a refusal is reported as one (stream: ${stream})`, async () => {
    const refused = { stop_reason: 'refusal',
      stop_details: { type: 'refusal', category: 'cyber', explanation: 'Not that.' } };
    const reply = async () => (stream ? (await read(create({ stream }))).response : create());
    await proxy.setReplies({ blocks: [], ...refused });
    const whole = await reply();
    assert.equal(whole.status, 'completed');
    assert.deepEqual(whole.output.map(({ type, content }) => [type, content]),
      [['message', [{ type: 'refusal', refusal: 'Not that.' }]]]);
    await proxy.setReplies({ text: 'Well', ...refused });
    const [{ content }] = (await reply()).output;
    assert.deepEqual(content.map((part) => part.text ?? part.refusal), ['Well', 'Not that.']);
  });

  test(`a refusal is a text where it is set so (stream: ${stream})`, async () => {
    const plain = await startProxy({ translation: { refusalStyle: 'text' } });
    await plain.setReplies({ blocks: [], stop_reason: 'refusal',
      stop_details: { type: 'refusal', category: 'cyber', explanation: 'Not that.' } });
    const other = new OpenAI({ baseURL: plain.baseURL, apiKey: 'any', maxRetries: 0 });
    const reply = await other.responses.create({ model, input, stream });
    const { status, output } = stream ? (await read(reply)).response : reply;
    assert.equal(status, 'completed');
    assert.equal(output[0].content[0].text, 'Not that.');
  });
}

test('a truncated reply says so', async () => {
  await proxy.setReplies({ text: 'It will', stop_reason: 'max_tokens' });
  for (const reply of [await create({ max_output_tokens: 5 }),
    await client.responses.stream({ model, input, max_output_tokens: 5 }).finalResponse()]) {
    assert.equal(reply.status, 'incomplete');
    assert.equal(reply.incomplete_details.reason, 'max_output_tokens');
    assert.equal(reply.output_text, 'It will');
    assert.equal(reply.output[0].status, 'incomplete');
    assert.ok(reply.usage.output_tokens > 0);
  }
});

test('errors before a reply are of the class that the SDK has for them', async () => {
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
      await assert.rejects(create({ stream }), (error) => {
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
  assert.equal((await patient.responses.create({ model, input })).output_text, 'Rain.');
  await proxy.setReplies({ status: 402, error: 'billing_error' });
  await assert.rejects(patient.responses.create({ model, input }), (error) => {
    assert.ok(error instanceof OpenAI.RateLimitError, `${error}`);
    assert.equal(error.code, 'insufficient_quota');
    return true;
  });
  assert.equal((await proxy.requests()).length, 1, 'a 429 that no other attempt would mend');
});

test('an error names the invalid member', async () => {
  await proxy.setReplies();
  for (const [more, param] of [
    [{ input: [{ role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }] },
      'input[0].content[0]'],
    [{ input: [{ role: 'user', content: [{ type: 'input_image' }] }] },
      'input[0].content[0].image_url'],
    [{ input: undefined }, 'input'],
    [{ prompt: { id: 'pmpt_1' } }, 'prompt'],
    [{ background: true, store: false }, 'background'],
    [{ tool_choice: { type: 'function', name: 'absent' }, tools }, 'tool_choice'],
  ]) {
    await assert.rejects(create(more), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError, `${error}`);
      assert.equal(error.param, param);
      return true;
    });
  }
  assert.deepEqual(await proxy.sent(), []);
});

// A response that fails after it has begun: the SDK's user must check its status.
for (const [how, reply] of [
  ['an error in the middle', BROKEN],
  ['a break upstream', { blocks: [{ text: '', deltas: ['It ', 'will ', 'rain.'] }],
    fault: 'end-mid=5' }],
]) {
  test(`${how} of a stream fails the response, and of a whole reply the request`, async () => {
    await proxy.setReplies(reply);
    const failed = await client.responses.stream({ model, input }).finalResponse();
    assert.equal(failed.status, 'failed');
    assert.equal(failed.error.code, 'server_error');
    await proxy.setReplies(reply, reply, reply);
    await assert.rejects(create(), (error) => {
      assert.ok(error instanceof OpenAI.InternalServerError, `${error}`);
      assert.equal(error.code, reply === BROKEN ? 'overloaded' : 'upstream_unreachable');
      return true;
    });
  });
}

const LONG = { blocks: [{ text: '', deltas: ['word '], repeat: 2000 }], pace: 10 };

test('a stream that its reader leaves is aborted upstream, too', async () => {
  await proxy.setReplies(LONG);
  const stream = await create({ stream: true });
  for await (const event of stream) if (event.type === 'response.output_text.delta') break;
  assert.ok(await proxy.wasAborted());
});

test('a whole reply that is cancelled is aborted upstream, too', async () => {
  await proxy.setReplies(LONG);
  const controller = new AbortController();
  const pending = client.responses.create({ model, input }, { signal: controller.signal });
  while ((await proxy.requests()).length === 0) await pause(10);
  controller.abort();
  await assert.rejects(pending, OpenAI.APIUserAbortError);
  assert.ok(await proxy.wasAborted());
});

test('the stream helper is aborted', async () => {
  await proxy.setReplies(LONG);
  const stream = client.responses.stream({ model, input });
  stream.on('response.output_text.delta', () => stream.abort());
  await assert.rejects(stream.finalResponse(), OpenAI.APIUserAbortError);
  assert.ok(await proxy.wasAborted());
});

for (const stream of [false, true]) {
  test(`a web search and its sources are reported (stream: ${stream})`, async () => {
    await proxy.setReplies({ blocks: [
      { web_search: { query: 'weather', results: [{ url: 'https://example.com/', title: 'Sky' }] } },
      { text: 'Über Oslo: ' },
      { text: 'It rains.', citations: [{ url: 'https://example.com/', title: 'Sky',
        cited_text: 'rain' }] },
    ] });
    const search = { tools: [{ type: 'web_search', filters: { allowed_domains: ['example.com'] } }],
      include: ['web_search_call.action.sources'] };
    const { output } = stream ? (await read(create({ ...search, stream }))).response
      : await create(search);
    assert.deepEqual(output.map((item) => item.type), ['web_search_call', 'message']);
    const [{ action, status }, { content: [{ text, annotations }] }] = output;
    assert.equal(status, 'completed');
    assert.deepEqual(action, { type: 'search', query: 'weather', queries: ['weather'],
      sources: [{ type: 'url', url: 'https://example.com/' }] });
    assert.equal(text, 'Über Oslo: It rains.');
    const [{ type, url, title, start_index: begin, end_index: end }] = annotations;
    assert.deepEqual([type, url, title, text.slice(begin, end)],
      ['url_citation', 'https://example.com/', 'Sky', 'It rains.']);
    const [sent] = await proxy.sent();
    assert.match(sent.tools[0].type, /^web_search_/);
    assert.deepEqual(sent.tools[0].allowed_domains, ['example.com']);
  });
}

test('Azure\'s client finds the route', async () => {
  const azure = new AzureOpenAI({ baseURL: `${proxy.baseURL.replace('/v1', '')}/openai/v1`,
    apiKey: 'any', apiVersion: 'preview', maxRetries: 0 });
  await proxy.setReplies({ text: 'Rain.' });
  assert.equal((await azure.responses.create({ model, input })).output_text, 'Rain.');
});

test('ignored members are named in the headers', async () => {
  await proxy.setReplies({ text: 'Rain.' });
  const { response } = await create({ truncation: 'auto' }).withResponse();
  assert.equal(response.headers.get('x-ccproxy-ignored'), 'truncation');
});
