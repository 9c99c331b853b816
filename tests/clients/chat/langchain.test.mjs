// LangChain with its model for OpenAI.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { z } from 'zod';
import { BROKEN, TWO_CALLS, startProxy, weather } from './proxy.mjs';

const proxy = await startProxy();
const model = new ChatOpenAI({ model: 'claude-sonnet-5', apiKey: 'any', maxRetries: 0,
  useResponsesApi: false, streamUsage: true, configuration: { baseURL: proxy.baseURL } });
const getWeather = tool(async (input) => weather(input), {
  name: 'get_weather', description: 'The weather of a city.',
  schema: z.object({ city: z.string() }),
});
const question = [new SystemMessage('You know the weather.'),
  new HumanMessage('How is the weather in Oslo and Bergen?')];

test('a message has its text and its usage', async () => {
  await proxy.answers({ text: 'Rain.', usage: { cache_read_input_tokens: 100 } });
  const answer = await model.invoke(question);
  assert.equal(answer.text, 'Rain.');
  assert.equal(answer.usage_metadata.input_token_details.cache_read, 100);
  assert.equal(answer.response_metadata.finish_reason, 'stop');
});

test('a stream adds up to the same', async () => {
  await proxy.answers({ text: 'Rain, later sun.' });
  let sum, pieces = 0;
  for await (const piece of await model.stream(question)) {
    sum = sum ? sum.concat(piece) : piece;
    ++pieces;
  }
  assert.equal(sum.text, 'Rain, later sun.');
  assert.ok(pieces > 2);
  assert.ok(sum.usage_metadata.output_tokens > 0);
});

for (const streams of [false, true]) {
  test(`tools are called and their results understood (stream: ${streams})`, async () => {
    await proxy.answers(TWO_CALLS, { text: 'Rain in both.' });
    const bound = model.bindTools([getWeather]);
    let calling = undefined;
    if (streams) {
      for await (const piece of await bound.stream(question))
        calling = calling ? calling.concat(piece) : piece;
    } else {
      calling = await bound.invoke(question);
    }
    assert.deepEqual(calling.tool_calls.map(({ id, name, args }) => [id, name, args]),
      [['toolu_1', 'get_weather', { city: 'Oslo' }], ['toolu_2', 'get_weather', { city: 'Bergen' }]]);
    const results = await Promise.all(calling.tool_calls.map((call) => getWeather.invoke(call)));
    assert.ok(results.every((result) => result instanceof ToolMessage));
    const answer = await bound.invoke([...question, calling, ...results]);
    assert.equal(answer.text, 'Rain in both.');
    const [, second] = await proxy.sent();
    assert.deepEqual(second.messages[1].content.map((block) => block.type),
      ['thinking', 'text', 'tool_use', 'tool_use']);
  });
}

test('structured output is an object', async () => {
  await proxy.answers({ text: '{"city":"Oslo"}' });
  const asked = model.withStructuredOutput(z.object({ city: z.string() }), { name: 'place' });
  assert.deepEqual(await asked.invoke(question), { city: 'Oslo' });
});

test('an error in the middle of a stream is thrown', async () => {
  await proxy.answers(BROKEN);
  await assert.rejects(async () => {
    for await (const piece of await model.stream(question)) assert.ok(piece);
  }, /[Oo]verloaded/);
});
