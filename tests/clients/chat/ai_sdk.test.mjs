// The AI SDK of Vercel with its two providers for this route.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, Output, generateText, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';
import { BROKEN, PNG, TWO_CALLS, startProxy, weather } from '../support/proxy.mjs';

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

// Returns the text of a stream and its errors.
async function parts(result) {
  let text = '';
  const errors = [];
  for await (const part of result.fullStream) {
    if (part.type === 'text-delta') text += part.text;
    if (part.type === 'error') errors.push(part.error);
  }
  return { text, errors };
}

for (const [provider, model] of [
  ['openai.chat', openai.chat(name)],
  ['openai-compatible', compatible(name)],
]) {
  const settings = { model, prompt, maxRetries: 0 };

  test(`${provider}: a text with its usage`, async () => {
    await proxy.setReplies({ text: 'Rain, later sun.', usage: { cache_read_input_tokens: 100,
      cache_creation_input_tokens: 20 } });
    const { text, usage, finishReason } = await generateText(settings);
    assert.equal(text, 'Rain, later sun.');
    assert.equal(finishReason, 'stop');
    assert.equal(usage.inputTokenDetails.cacheReadTokens, 100);
    assert.ok(usage.inputTokens > 120);
    assert.ok(usage.outputTokens > 0);
  });

  test(`${provider}: a stream comes in pieces, with usage at its end`, async () => {
    await proxy.setReplies({ text: 'Rain, later sun.' });
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
      await proxy.setReplies(TWO_CALLS, { text: 'Rain in both.' });
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
    await proxy.setReplies({ text: '{"city":"Oslo","degrees":7.5}' });
    const { output } = await generateText({ ...settings,
      output: Output.object({ schema: z.object({ city: z.string(), degrees: z.number() }) }) });
    assert.deepEqual(output, { city: 'Oslo', degrees: 7.5 });
    const [sent] = await proxy.sent();
    assert.equal(sent.output_config.format.type, 'json_schema');
  });

  test(`${provider}: an upstream error keeps its status and message`, async () => {
    await proxy.setReplies({ status: 400, error: { type: 'invalid_request_error',
      message: 'prompt is too long: 210000 tokens > 200000 maximum' } });
    await assert.rejects(generateText(settings), (error) => {
      assert.ok(APICallError.isInstance(error), `${error}`);
      assert.equal(error.statusCode, 400);
      assert.match(error.message, /prompt is too long/);
      return true;
    });
  });

  test(`${provider}: a stream breaks off with its reason`, async () => {
    await proxy.setReplies({ blocks: [{ text: '', deltas: ['It ', 'will ', 'rain.'] }],
      fault: 'end-mid=5' });
    const { text, errors } = await parts(streamText({ ...settings, onError: () => {} }));
    assert.equal(text, 'It will ');
    assert.deepEqual(errors.map(({ code, message }) => [code, message]), [['upstream_unreachable',
      'connection lost: the upstream ended its answer before it was complete']], 'and no second');
  });

  test(`${provider}: an error before a stream is retried when it is temporary`, async () => {
    await proxy.setReplies({ times: 1, status: 429, error: 'rate_limit_error' }, { text: 'Rain.' });
    assert.equal(await streamText({ ...settings, maxRetries: 1 }).text, 'Rain.');
    await proxy.setReplies({ status: 429, error: 'rate_limit_error',
      headers: { 'retry-after': '3000' } });
    const { errors: [error] } = await parts(streamText({ ...settings, onError: () => {} }));
    assert.ok(APICallError.isInstance(error), `${error}`);
    assert.equal(error.statusCode, 429);
    assert.equal(error.isRetryable, true);
    assert.equal(error.data.error.code, 'rate_limit_exceeded');
    assert.equal(error.responseHeaders['retry-after'], '3000');
  });

  test(`${provider}: finish reasons have its own names`, async () => {
    for (const [reply, reason] of [
      [{ text: 'It will', stop_reason: 'max_tokens' }, 'length'],
      [{ text: 'It will', stop_reason: 'stop_sequence', stop_sequence: 'END' }, 'stop'],
      [{ text: 'No.', stop_reason: 'refusal', stop_details: { type: 'refusal' } },
        'content-filter'],
    ]) {
      await proxy.setReplies(reply);
      assert.equal((await generateText(settings)).finishReason, reason);
      assert.equal(await streamText(settings).finishReason, reason);
    }
  });

  test(`${provider}: a call without arguments has an empty object`, async () => {
    const now = tool({ inputSchema: z.object({}), execute: async (input) => ({ input }) });
    for (const generate of [generateText, streamText]) {
      await proxy.setReplies({ times: 1, blocks: [{ tool_use: { id: 'toolu_1', name: 'now',
        fragments: [''] } }] }, { text: 'Noon.' });
      const result = await generate({ ...settings, tools: { now }, stopWhen: stepCountIs(2) });
      await result.consumeStream?.();
      const [{ toolResults: [{ output }] }] = await result.steps;
      assert.deepEqual(output, { input: {} });
      assert.equal(await result.text, 'Noon.');
    }
  });

  test(`${provider}: a tool that fails, and one that is not there, are reported to the model`,
    async () => {
      await proxy.setReplies({ times: 1, blocks: [
        { tool_use: { id: 'toolu_1', name: 'broken', input: {} } },
        { tool_use: { id: 'toolu_2', name: 'absent', input: { a: 1 } } }] }, { text: 'Sorry.' });
      const broken = tool({ inputSchema: z.object({}),
        execute: async () => { throw new Error('out of order'); } });
      const { text } = await generateText({ ...settings, tools: { broken },
        stopWhen: stepCountIs(2) });
      assert.equal(text, 'Sorry.');
      const [, second] = await proxy.sent();
      assert.deepEqual(second.messages[1].content.map((block) => block.name),
        ['broken', 'absent']);
      const [first, other] = second.messages[2].content.map((block) => JSON.stringify(block));
      assert.match(first, /out of order/);
      assert.match(other, /absent/);
    });

  test(`${provider}: an object is streamed as it grows`, async () => {
    await proxy.setReplies({ blocks: [{ text: '',
      deltas: ['{"city":', '"Oslo"', ',"degr', 'ees":7.5}'] }] });
    const result = streamText({ ...settings,
      output: Output.object({ schema: z.object({ city: z.string(), degrees: z.number() }) }) });
    const seen = [];
    for await (const part of result.partialOutputStream) seen.push(part);
    assert.deepEqual(seen.find((part) => 'city' in part), { city: 'Oslo' });
    assert.deepEqual(seen.at(-1), { city: 'Oslo', degrees: 7.5 });
    assert.deepEqual(await result.output, seen.at(-1));
  });

  test(`${provider}: images and files arrive`, async () => {
    await proxy.setReplies({ text: 'A dot.' });
    const { text } = await generateText({ model, maxRetries: 0, system: 'Be short.', messages: [
      { role: 'user', content: [
        { type: 'text', text: 'What is it?' },
        { type: 'image', image: Buffer.from(PNG, 'base64') },
        { type: 'file', data: Buffer.from('%PDF-1.4 nothing'), mediaType: 'application/pdf',
          filename: 'a.pdf' },
      ] }] });
    assert.equal(text, 'A dot.');
    const [sent] = await proxy.sent();
    assert.equal(sent.system[0].text, 'Be short.');
    assert.deepEqual(sent.messages[0].content.map((block) => block.type),
      ['text', 'image', 'document']);
    assert.equal(sent.messages[0].content[1].source.data, PNG);
  });

  test(`${provider}: a stream that is aborted is aborted upstream, too`, async () => {
    await proxy.setReplies({ blocks: [{ text: '', deltas: ['word '], repeat: 2000 }], pace: 10 });
    const controller = new AbortController();
    const kinds = [];
    for await (const part of streamText({ ...settings,
      abortSignal: controller.signal }).fullStream) {
      kinds.push(part.type);
      if (part.type === 'text-delta') controller.abort();
    }
    assert.equal(kinds.at(-1), 'abort');
    assert.ok(await proxy.wasAborted());
  });

  test(`${provider}: an error in the middle of a stream is one`, async () => {
    await proxy.setReplies(BROKEN);
    const { text, errors } = await parts(streamText({ ...settings, onError: () => {} }));
    assert.equal(text, 'It will');
    assert.deepEqual(errors.map(({ code, message }) => [code, message]),
      [['overloaded', 'Overloaded']], 'and no second');
  });
}

test('openai-compatible: thinking is reasoning, whole and streamed', async () => {
  await proxy.setReplies({ blocks: [{ thinking: 'Well.', signature: 'c2ln' }, { text: 'Rain.' }] });
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

test('openai-compatible: thinking that was shown goes back with its signature, not as it was shown',
  async () => {
    await proxy.setReplies(TWO_CALLS, { text: 'Rain in both.' });
    const { steps } = await generateText({ model: compatible(name), prompt, tools, maxRetries: 0,
      stopWhen: stepCountIs(2), providerOptions: { ccproxy: { reasoningEffort: 'low' } } });
    assert.equal(steps[0].reasoningText, 'Two cities.');
    const [, second] = await proxy.sent();
    const blocks = second.messages[1].content;
    assert.deepEqual(blocks.map((block) => block.type),
      ['thinking', 'text', 'tool_use', 'tool_use']);
    assert.deepEqual([blocks[0].thinking, blocks[0].signature], ['Two cities.', 'c2ln']);
  });

test('openai.chat: an effort and how much of the output was thinking', async () => {
  await proxy.setReplies({ blocks: [{ thinking: 'Well.', signature: 'c2ln' }, { text: 'Rain.' }],
    usage: { output_tokens: 30, output_tokens_details: { thinking_tokens: 20 } } });
  const { usage } = await generateText({ model: openai.chat(name), prompt, maxRetries: 0,
    providerOptions: { openai: { reasoningEffort: 'low', forceReasoning: true } } });
  assert.equal(usage.outputTokens, 30);
  assert.equal(usage.outputTokenDetails.reasoningTokens, 20);
  const [sent] = await proxy.sent();
  assert.equal(sent.output_config.effort, 'low');
});

test('openai.chat: sources of a web search are sources', async () => {
  for (const generate of [generateText, streamText]) {
    await proxy.setReplies({ blocks: [{ text: 'It rains.', citations: [
      { url: 'https://example.com/', title: 'Sky', cited_text: 'rain' }] }] });
    const result = await generate({ model: openai.chat(name), prompt, maxRetries: 0 });
    await result.consumeStream?.();
    assert.equal(await result.text, 'It rains.');
    assert.deepEqual((await result.sources).map(({ url, title }) => [url, title]),
      [['https://example.com/', 'Sky']]);
  }
});
