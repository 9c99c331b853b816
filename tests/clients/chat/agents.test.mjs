// The Agents SDK of OpenAI in chat mode.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Agent, OpenAIChatCompletionsModel, Runner, setTracingDisabled, tool } from '@openai/agents';
import OpenAI from 'openai';
import { z } from 'zod';
import { TWO_CALLS, startProxy, weather } from './proxy.mjs';

const proxy = await startProxy();
setTracingDisabled(true);
const client = new OpenAI({ baseURL: proxy.baseURL, apiKey: 'any', maxRetries: 0 });
const agent = new Agent({
  name: 'Weatherman',
  instructions: 'You know the weather.',
  model: new OpenAIChatCompletionsModel(client, 'claude-sonnet-5'),
  tools: [tool({
    name: 'get_weather',
    description: 'The weather of a city.',
    parameters: z.object({ city: z.string() }),
    execute: async (input) => weather(input),
  })],
});
const runner = new Runner({ tracingDisabled: true });
const question = 'How is the weather in Oslo and Bergen?';

test('an agent calls its tools and answers', async () => {
  await proxy.answers(TWO_CALLS, { text: 'Rain in both.' });
  const result = await runner.run(agent, question);
  assert.equal(result.finalOutput, 'Rain in both.');
  const [first, second] = await proxy.sent();
  assert.deepEqual(first.system, [{ type: 'text', text: 'You know the weather.' }]);
  assert.equal(first.tools[0].strict, true);
  assert.deepEqual(second.messages[1].content.map((block) => block.type),
    ['thinking', 'text', 'tool_use', 'tool_use']);
  assert.deepEqual(second.messages[2].content.map((block) => block.content),
    ['Oslo: rain', 'Bergen: rain']);
});

test('it streams', async () => {
  await proxy.answers(TWO_CALLS, { text: 'Rain in both.' });
  const result = await runner.run(agent, question, { stream: true });
  let text = '';
  for await (const piece of result.toTextStream()) text += piece;
  await result.completed;
  assert.ok(text.endsWith('Rain in both.'), text);
  assert.equal(result.finalOutput, 'Rain in both.');
  assert.ok(result.rawResponses.every((response) => response.usage.outputTokens > 0));
});

test('a refusal is no answer', async () => {
  await proxy.answers({ blocks: [], stop_reason: 'refusal',
    stop_details: { type: 'refusal', category: 'cyber', explanation: 'Not that.' } });
  await assert.rejects(runner.run(agent, question), /refus|Not that/i);
});

test('an agent with an output type gets its object', async () => {
  await proxy.answers({ text: '{"city":"Oslo"}' });
  const typed = agent.clone({ outputType: z.object({ city: z.string() }), tools: [] });
  const result = await runner.run(typed, question);
  assert.deepEqual(result.finalOutput, { city: 'Oslo' });
});
