// The AI SDK of Vercel with its two providers for this route.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, Output, generateText, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';
import { BROKEN, TWO_CALLS, startProxy, weather } from './proxy.mjs';

const proxy = await startProxy();
const name = 'claude-sonnet-5';
const prompt = 'How is the weather in Oslo and Bergen?';
const openai = createOpenAI({ baseURL: proxy.baseURL, apiKey: 'any' });
const compatible = createOpenAICompatible({ name: 'ccproxy', baseURL: proxy.baseURL,
  apiKey: 'any', includeUsage: true, supportsStructuredOutputs: true });
const tools = {
  get_weather: tool({
    description: 'The weather of a city.',
    inputSchema: z.object({ city: z.string() }),
    execute: async (input) => weather(input),
  }),
};

for (const [provider, model] of [
  ['openai.chat', openai.chat(name)],
  ['openai-compatible', compatible(name)],
]) {
  const settings = { model, prompt, maxRetries: 0 };

  test(`${provider}: a text with its usage`, async () => {
    await proxy.answers({ text: 'Rain, later sun.', usage: { cache_read_input_tokens: 100,
      cache_creation_input_tokens: 20 } });
    const { text, usage, finishReason } = await generateText(settings);
    assert.equal(text, 'Rain, later sun.');
    assert.equal(finishReason, 'stop');
    assert.equal(usage.inputTokenDetails.cacheReadTokens, 100);
    assert.ok(usage.inputTokens > 120);
    assert.ok(usage.outputTokens > 0);
  });

  test(`${provider}: a stream comes in pieces, with usage at its end`, async () => {
    await proxy.answers({ text: 'Rain, later sun.' });
    const result = streamText(settings);
    const pieces = [];
    for await (const piece of result.textStream) pieces.push(piece);
    assert.equal(pieces.join(''), 'Rain, later sun.');
    assert.ok(pieces.length > 1);
    assert.equal(await result.finishReason, 'stop');
    assert.ok((await result.usage).outputTokens > 0);
  });

  test(`${provider}: two tools are called and the thinking goes back with the results`,
    async () => {
      await proxy.answers(TWO_CALLS, { text: 'Rain in both.' });
      const result = streamText({ ...settings, tools, stopWhen: stepCountIs(3) });
      await result.consumeStream();
      assert.equal(await result.text, 'Rain in both.');
      const [first] = await result.steps;
      assert.deepEqual(first.toolCalls.map((call) => [call.toolCallId, call.input]),
        [['toolu_1', { city: 'Oslo' }], ['toolu_2', { city: 'Bergen' }]]);
      assert.equal(first.finishReason, 'tool-calls');
      const [, second] = await proxy.sent();
      assert.deepEqual(second.messages[1].content.map((block) => block.type),
        ['thinking', 'text', 'tool_use', 'tool_use']);
      assert.deepEqual(second.messages[2].content.map((block) => block.type),
        ['tool_result', 'tool_result']);
    });

  test(`${provider}: an object by its schema`, async () => {
    await proxy.answers({ text: '{"city":"Oslo","degrees":7.5}' });
    const { output } = await generateText({ ...settings,
      output: Output.object({ schema: z.object({ city: z.string(), degrees: z.number() }) }) });
    assert.deepEqual(output, { city: 'Oslo', degrees: 7.5 });
    const [sent] = await proxy.sent();
    assert.equal(sent.output_config.format.type, 'json_schema');
  });

  test(`${provider}: an error of the upstream's keeps its status and its words`, async () => {
    await proxy.answers({ status: 400, error: { type: 'invalid_request_error',
      message: 'prompt is too long: 210000 tokens > 200000 maximum' } });
    await assert.rejects(generateText(settings), (error) => {
      assert.ok(APICallError.isInstance(error), `${error}`);
      assert.equal(error.statusCode, 400);
      assert.match(error.message, /prompt is too long/);
      return true;
    });
  });

  test(`${provider}: an error in the middle of a stream is one`, async () => {
    await proxy.answers(BROKEN);
    const errors = [];
    const result = streamText({ ...settings, onError: ({ error }) => errors.push(error) });
    let text = '';
    for await (const part of result.fullStream) if (part.type === 'text-delta') text += part.text;
    assert.equal(text, 'It will');
    assert.match(JSON.stringify(errors), /Overloaded|overloaded/);
  });
}

test('openai-compatible: thinking is reasoning, whole and streamed', async () => {
  await proxy.answers({ blocks: [{ thinking: 'Well.', signature: 'c2ln' }, { text: 'Rain.' }] });
  const settings = { model: compatible(name), prompt, maxRetries: 0,
    providerOptions: { ccproxy: { reasoningEffort: 'high' } } };
  const whole = await generateText(settings);
  assert.equal(whole.reasoningText, 'Well.');
  assert.equal(whole.text, 'Rain.');
  const result = streamText(settings);
  await result.consumeStream();
  assert.equal(await result.reasoningText, 'Well.');
  const [sent] = await proxy.sent();
  assert.deepEqual(sent.output_config, { effort: 'high' });
});
