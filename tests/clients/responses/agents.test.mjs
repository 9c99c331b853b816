// The Agents SDK of OpenAI with the Responses API, its default.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Agent, OpenAIResponsesModel, Runner, setTracingDisabled, tool } from '@openai/agents';
import OpenAI from 'openai';
import { z } from 'zod';
import { BROKEN, TWO_CALLS, startProxy, weather } from '../support/proxy.mjs';

const proxy = await startProxy();
setTracingDisabled(true);
const client = new OpenAI({ baseURL: proxy.baseURL, apiKey: 'any', maxRetries: 0 });
const agent = new Agent({
  name: 'Weatherman',
  instructions: 'You know the weather.',
  model: new OpenAIResponsesModel(client, 'claude-sonnet-5'),
  tools: [tool({
    name: 'get_weather',
    description: 'The weather of a city.',
    parameters: z.object({ city: z.string() }),
    execute: async (input) => weather(input),
  })],
});
const runner = new Runner({ tracingDisabled: true });
const question = 'How is the weather in Oslo and Bergen?';

for (const stream of [false, true]) {
  test(`an agent calls its tools and replies (stream: ${stream})`, async () => {
    await proxy.setReplies(TWO_CALLS, { text: 'Rain in both.' });
    const result = await runner.run(agent, question, { stream });
    let text = '';
    if (stream) for await (const piece of result.toTextStream()) text += piece;
    await result.completed;
    assert.equal(result.finalOutput, 'Rain in both.');
    if (stream) assert.ok(text.endsWith('Rain in both.'), text);
    assert.ok(result.rawResponses.every((response) => response.usage.outputTokens > 0));
    const [first, second] = await proxy.sent();
    assert.deepEqual(first.system, [{ type: 'text', text: 'You know the weather.' }]);
    assert.equal(first.tools[0].strict, true);
    assert.deepEqual(second.messages[1].content.map((block) => block.type),
      ['thinking', 'text', 'tool_use', 'tool_use']);
    assert.equal(second.messages[1].content[0].signature, 'c2ln');
    assert.deepEqual(second.messages[2].content.map((block) => block.content),
      ['Oslo: rain', 'Bergen: rain']);
  });

  test(`a conversation is kept here (stream: ${stream})`, async () => {
    await proxy.setReplies(TWO_CALLS, { times: 1, text: 'Rain in both.' }, { text: 'Sun.' });
    const before = await runner.run(agent, question, { stream });
    await before.completed;
    const after = await runner.run(agent, 'And tomorrow?',
      { stream, previousResponseId: before.lastResponseId });
    await after.completed;
    assert.equal(after.finalOutput, 'Sun.');
    const third = (await proxy.sent()).at(-1);
    assert.deepEqual(third.messages.map((message) => message.role),
      ['user', 'assistant', 'user', 'assistant', 'user']);
    assert.deepEqual(third.messages[1].content.map((block) => block.type),
      ['thinking', 'text', 'tool_use', 'tool_use'], 'as the model said it');
  });

  test(`a refusal is an error (stream: ${stream})`, async () => {
    await proxy.setReplies({ blocks: [], stop_reason: 'refusal',
      stop_details: { type: 'refusal', category: 'cyber', explanation: 'Not that.' } });
    await assert.rejects(async () => (await runner.run(agent, question, { stream })).completed,
      /refus|Not that/i);
  });

  test(`a truncated reply is an error (stream: ${stream})`, async () => {
    await proxy.setReplies({ text: 'It will', stop_reason: 'max_tokens' });
    await assert.rejects(async () => (await runner.run(agent, question, { stream })).completed,
      /incomplete|max_output_tokens/i);
  });
}

test('an agent with an output type gets its object', async () => {
  await proxy.setReplies({ text: '{"city":"Oslo"}' });
  const typed = agent.clone({ outputType: z.object({ city: z.string() }), tools: [] });
  const result = await runner.run(typed, question);
  assert.deepEqual(result.finalOutput, { city: 'Oslo' });
  const [sent] = await proxy.sent();
  assert.equal(sent.output_config.format.type, 'json_schema');
});

test('an agent hands over to another one', async () => {
  const boatman = new Agent({ name: 'Boatman', instructions: 'You know the sea.',
    model: agent.model });
  const host = new Agent({ name: 'Host', instructions: 'Ask who knows.', model: agent.model,
    handoffs: [boatman] });
  for (const stream of [false, true]) {
    await proxy.setReplies({ times: 1, blocks: [{ tool_use: { id: 'toolu_1',
      name: 'transfer_to_Boatman', fragments: [''] } }] }, { text: 'Stay ashore.' });
    const result = await runner.run(host, question, { stream });
    await result.completed;
    assert.equal(result.finalOutput, 'Stay ashore.');
    assert.equal(result.lastAgent.name, 'Boatman');
    const [, second] = await proxy.sent();
    assert.equal(second.system[0].text, 'You know the sea.');
    assert.equal(second.messages.at(-1).content[0].tool_use_id, 'toolu_1');
  }
});

test('a conversation continues with the earlier messages', async () => {
  await proxy.setReplies(TWO_CALLS, { times: 1, text: 'Rain in both.' }, { text: 'Tomorrow too.' });
  const before = await runner.run(agent, question);
  const after = await runner.run(agent,
    [...before.history, { role: 'user', content: 'And tomorrow?' }]);
  assert.equal(after.finalOutput, 'Tomorrow too.');
  const third = (await proxy.sent()).at(-1);
  assert.deepEqual(third.messages.map((message) => message.role),
    ['user', 'assistant', 'user', 'assistant', 'user']);
  assert.deepEqual(third.messages[1].content.map((block) => block.type),
    ['thinking', 'text', 'tool_use', 'tool_use'], 'as the model said it');
});

test('settings of the model arrive', async () => {
  await proxy.setReplies({ text: 'Rain.' });
  const result = await runner.run(agent.clone({ modelSettings: { maxTokens: 500,
    toolChoice: 'required', parallelToolCalls: false, store: false,
    reasoning: { effort: 'low', summary: 'auto' }, text: { verbosity: 'low' } } }), question);
  assert.equal(result.finalOutput, 'Rain.');
  const [sent] = await proxy.sent();
  assert.equal(sent.max_tokens, 500);
  assert.deepEqual(sent.tool_choice, { type: 'any', disable_parallel_tool_use: true });
  assert.equal(sent.output_config.effort, 'low');
  assert.equal(sent.thinking.display, 'summarized');
});

test('an upstream error becomes the SDK\'s error', async () => {
  for (const stream of [false, true]) {
    await proxy.setReplies({ status: 403, error: 'permission_error' });
    await assert.rejects(async () => (await runner.run(agent, question, { stream })).completed,
      OpenAI.PermissionDeniedError);
  }
});

for (const [how, reply] of [
  ['an error in the middle of a stream', BROKEN],
  ['a stream that breaks off upstream', { blocks: [{ text: '', deltas: ['It ', 'will ', 'rain.'] }],
    fault: 'end-mid=5' }],
]) {
  test(`A1 ${how} is thrown`, async () => {
    await proxy.setReplies(reply);
    const result = await runner.run(agent, question, { stream: true });
    let text = '';
    await assert.rejects(async () => {
      for await (const piece of result.toTextStream()) text += piece;
      await result.completed;
    }, /fail|server_error|Overloaded/i);
    assert.match(text, /^It/);
  });
}

test('a run that is aborted is aborted upstream, too', async () => {
  await proxy.setReplies({ blocks: [{ text: '', deltas: ['word '], repeat: 2000 }], pace: 10 });
  const controller = new AbortController();
  const result = await runner.run(agent, question, { stream: true, signal: controller.signal });
  for await (const piece of result.toTextStream()) if (piece) controller.abort();
  assert.ok(await proxy.wasAborted());
});
