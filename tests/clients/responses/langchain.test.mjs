// LangChain with its model for OpenAI, through the Responses API.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AIMessage, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { z } from 'zod';
import { BROKEN, PNG, TWO_CALLS, startProxy, weather } from '../support/proxy.mjs';

const proxy = await startProxy();
const createModel = (more = {}) => new ChatOpenAI({ model: 'claude-sonnet-5', apiKey: 'any', maxRetries: 0,
  useResponsesApi: true, configuration: { baseURL: proxy.baseURL }, ...more });
const model = createModel();

// LangChain omits `reasoning` for models whose names it does not know.
const REASONING = { modelKwargs: { reasoning: { effort: 'low', summary: 'auto' } } };

const getWeather = tool(async (input) => weather(input), {
  name: 'get_weather', description: 'The weather of a city.',
  schema: z.object({ city: z.string() }),
});
const question = [new SystemMessage('You know the weather.'),
  new HumanMessage('How is the weather in Oslo and Bergen?')];

async function streamed(runnable, messages = question) {
  let sum, pieces = 0;
  for await (const piece of await runnable.stream(messages)) {
    sum = sum ? sum.concat(piece) : piece;
    ++pieces;
  }
  return Object.assign(sum, { pieces });
}

test('a message has its text and its usage', async () => {
  await proxy.setReplies({ text: 'Rain.', usage: { cache_read_input_tokens: 100 } });
  const message = await model.invoke(question);
  assert.equal(message.text, 'Rain.');
  assert.equal(message.usage_metadata.input_token_details.cache_read, 100);
  assert.equal(message.response_metadata.status, 'completed');
  const [sent] = await proxy.sent();
  assert.deepEqual(sent.system.map((block) => block.text), ['You know the weather.']);
});

test('a stream adds up to the same', async () => {
  await proxy.setReplies({ text: 'Rain, later sun.' });
  const sum = await streamed(model);
  assert.equal(sum.text, 'Rain, later sun.');
  assert.ok(sum.pieces > 2);
  assert.ok(sum.usage_metadata.output_tokens > 0);
});

for (const streams of [false, true]) {
  for (const stored of [true, false]) {
    test(`tools are called and their results understood (stream: ${streams}, stored: ${stored})`,
      async () => {
        await proxy.setReplies(TWO_CALLS, { text: 'Rain in both.' });
        const bound = createModel({ zdrEnabled: !stored, ...REASONING })
          .bindTools([getWeather]);
        const calling = streams ? await streamed(bound) : await bound.invoke(question);
        assert.deepEqual(calling.tool_calls.map(({ id, name, args }) => [id, name, args]),
          [['toolu_1', 'get_weather', { city: 'Oslo' }],
            ['toolu_2', 'get_weather', { city: 'Bergen' }]]);
        const results = await Promise.all(
          calling.tool_calls.map((call) => getWeather.invoke(call)));
        assert.ok(results.every((result) => result instanceof ToolMessage));
        const message = await bound.invoke([...question, calling, ...results]);
        assert.equal(message.text, 'Rain in both.');
        const [, second] = await proxy.sent();
        const { content: blocks } = second.messages[1];
        assert.deepEqual(blocks.map((block) => block.type),
          ['thinking', 'text', 'tool_use', 'tool_use']);
        assert.deepEqual([blocks[0].thinking, blocks[0].signature], ['Two cities.', 'c2ln']);
      });
  }
}

test('a conversation continues with the id of the last response', async () => {
  await proxy.setReplies(TWO_CALLS, { text: 'Rain in both.' });
  const bound = model.bindTools([getWeather]);
  const calling = await bound.invoke(question);
  const results = await Promise.all(calling.tool_calls.map((call) => getWeather.invoke(call)));
  const message = await bound.invoke(results,
    { previous_response_id: calling.response_metadata.id });
  assert.equal(message.text, 'Rain in both.');
  const [, second] = await proxy.sent();
  assert.deepEqual(second.messages.map((message) => message.role), ['user', 'assistant', 'user']);
});

for (const [method, reply, sees] of [
  ['jsonSchema', { text: '{"city":"Oslo"}' },
    (sent) => assert.equal(sent.output_config.format.type, 'json_schema')],
  ['functionCalling', { blocks: [{ tool_use: { id: 'toolu_1', name: 'place',
    fragments: ['{"city":', '"Oslo"}'] } }] },
  (sent) => assert.deepEqual(sent.tools.map(({ name }) => name), ['place'])],
  ['jsonMode', { text: '```json\n{"city":"Oslo"}\n```' },
    (sent) => assert.match(JSON.stringify(sent.system), /JSON/)],
]) {
  test(`structured output is an object (${method})`, async () => {
    await proxy.setReplies(reply);
    const runnable = model.withStructuredOutput(z.object({ city: z.string() }),
      { name: 'place', method });
    assert.deepEqual(await runnable.invoke(question), { city: 'Oslo' });
    sees((await proxy.sent())[0]);
  });
}

test('reasoning is shown when it is asked for', async () => {
  await proxy.setReplies({ blocks: [{ thinking: 'Well.', signature: 'c2ln' }, { text: 'Rain.' }] });
  const thoughtful = createModel(REASONING);
  for (const message of [await thoughtful.invoke(question), await streamed(thoughtful)]) {
    const { reasoning } = message.additional_kwargs;
    assert.equal(reasoning.summary[0].text, 'Well.');
    assert.equal(message.text, 'Rain.');
  }
});

test('A5 a call without arguments has an empty object', async () => {
  const now = tool(async () => 'Noon.', { name: 'now', description: 'The time.',
    schema: z.object({}) });
  await proxy.setReplies({ blocks: [{ tool_use: { id: 'toolu_1', name: 'now', fragments: [''] } }] });
  const bound = model.bindTools([now]);
  for (const message of [await bound.invoke(question), await streamed(bound)]) {
    assert.deepEqual(message.tool_calls[0].args, {});
    assert.deepEqual(message.invalid_tool_calls, []);
  }
});

test('a tool that must be called is forced, and a conversation from elsewhere continues', async () => {
  await proxy.setReplies({ text: 'Rain.' });
  const bound = model.bindTools([getWeather],
    { tool_choice: 'get_weather', parallel_tool_calls: false });
  await bound.invoke([...question,
    new AIMessage({ content: '', tool_calls: [{ id: 'call_1', name: 'get_weather',
      args: { city: 'Oslo' } }] }),
    new ToolMessage({ tool_call_id: 'call_1', content: 'Oslo: rain' })]);
  const [sent] = await proxy.sent();
  assert.deepEqual(sent.tool_choice,
    { type: 'tool', name: 'get_weather', disable_parallel_tool_use: true });
  assert.deepEqual(sent.messages[1].content,
    [{ type: 'tool_use', id: 'call_1', name: 'get_weather', input: { city: 'Oslo' } }]);
  assert.equal(sent.messages[2].content[0].tool_use_id, 'call_1');
});

test('A15 a truncated reply says so, streamed and not', async () => {
  await proxy.setReplies({ text: 'It will', stop_reason: 'max_tokens' });
  for (const message of [await model.invoke(question), await streamed(model)]) {
    assert.equal(message.text, 'It will');
    assert.equal(message.response_metadata.status, 'incomplete');
    assert.equal(message.response_metadata.incomplete_details.reason, 'max_output_tokens');
  }
});

test('an image arrives', async () => {
  await proxy.setReplies({ text: 'A dot.' });
  const message = await model.invoke([new HumanMessage({ content: [
    { type: 'text', text: 'What is it?' },
    { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } },
  ] })]);
  assert.equal(message.text, 'A dot.');
  const [sent] = await proxy.sent();
  assert.equal(sent.messages[0].content[1].source.data, PNG);
});

test('errors are thrown with their status and message', async () => {
  for (const [reply, status, words] of [
    [{ status: 400, error: { type: 'invalid_request_error',
      message: 'prompt is too long: 210000 tokens > 200000 maximum' } }, 400, /too long/],
    [{ status: 401, error: 'authentication_error' }, 401, /./],
    [{ status: 429, error: 'rate_limit_error', headers: { 'retry-after': '3000' } }, 429, /./],
    [{ status: 529, error: 'overloaded_error', headers: { 'retry-after': '3000' } }, 503, /./],
  ]) {
    for (const call of [() => model.invoke(question), () => model.stream(question)]) {
      await proxy.setReplies(reply);
      await assert.rejects(call(), (error) => {
        assert.equal(error.status, status, `${error}`);
        assert.match(error.message, words);
        return true;
      });
    }
  }
});

// LangChain ignores how a stream failed: its message has no status.
for (const [how, reply] of [
  ['an error in the middle of a stream', BROKEN],
  ['a stream that breaks off upstream', { blocks: [{ text: '', deltas: ['It ', 'will ', 'rain.'] }],
    fault: 'end-mid=5' }],
]) {
  test(`A1 ${how} is not reported as a normal end`, async () => {
    await proxy.setReplies(reply);
    const sum = await streamed(model);
    assert.match(sum.text, /^It will/);
    assert.equal(sum.response_metadata.status, undefined);
    assert.equal(sum.usage_metadata, undefined);
  });
}

test('a stream that is aborted is aborted upstream, too', async () => {
  await proxy.setReplies({ blocks: [{ text: '', deltas: ['word '], repeat: 2000 }], pace: 10 });
  const controller = new AbortController();
  await assert.rejects(async () => {
    for await (const piece of await model.stream(question, { signal: controller.signal }))
      if (piece.text) controller.abort();
  }, /[Aa]bort/);
  assert.ok(await proxy.wasAborted());
});
