// The AI SDK of Vercel with its provider for the Responses API, its default.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOpenAI } from '@ai-sdk/openai';
import { APICallError, Output, generateObject, generateText, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';
import { BROKEN, PNG, TWO_CALLS, startProxy, weather } from '../support/proxy.mjs';

const proxy = await startProxy();
const openai = createOpenAI({ baseURL: proxy.baseURL, apiKey: 'any' });
const model = openai('claude-sonnet-5');
const prompt = 'How is the weather in Oslo and Bergen?';
const settings = { model, prompt, maxRetries: 0 };
const get_weather = tool({
  description: 'The weather of a city.',
  inputSchema: z.object({ city: z.string() }),
  execute: async (input) => weather(input),
});
const City = z.object({ city: z.string(), degrees: z.number() });
const thinks = { openai: { forceReasoning: true, reasoningEffort: 'low', reasoningSummary: 'auto' } };

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

test('a text with its usage', async () => {
  await proxy.setReplies({ text: 'Rain, later sun.', usage: { cache_read_input_tokens: 100,
    cache_creation_input_tokens: 20 } });
  const { text, usage, finishReason, providerMetadata } = await generateText(settings);
  assert.equal(text, 'Rain, later sun.');
  assert.equal(finishReason, 'stop');
  assert.equal(usage.inputTokenDetails.cacheReadTokens, 100);
  assert.ok(usage.inputTokens > 120);
  assert.ok(usage.outputTokens > 0);
  assert.match(providerMetadata.openai.responseId, /^resp_/);
});

test('a stream comes in pieces, with usage at its end', async () => {
  await proxy.setReplies({ text: 'Rain, later sun.' });
  const result = streamText(settings);
  const pieces = [];
  for await (const piece of result.textStream) pieces.push(piece);
  assert.equal(pieces.join(''), 'Rain, later sun.');
  assert.ok(pieces.length > 1);
  assert.equal(await result.finishReason, 'stop');
  assert.ok((await result.usage).outputTokens > 0);
});

// What the SDK sends of the first step: by default ids of stored items, otherwise the items.
for (const [how, providerOptions] of [
  ['kept', {}],
  ['kept, with reasoning', thinks],
  ['not kept', { openai: { ...thinks.openai, store: false } }],
]) {
  for (const generate of [generateText, streamText]) {
    test(`A4 two tools are called and all goes back with the results (${how}, ${generate.name})`,
      async () => {
        await proxy.setReplies(TWO_CALLS, { text: 'Rain in both.' });
        const result = await generate({ ...settings, providerOptions, tools: { get_weather },
          stopWhen: stepCountIs(3) });
        await result.consumeStream?.();
        assert.equal(await result.text, 'Rain in both.');
        const [first] = await result.steps;
        assert.equal(first.text, 'Looking.');
        assert.deepEqual(first.toolCalls.map((call) => [call.toolCallId, call.input]),
          [['toolu_1', { city: 'Oslo' }], ['toolu_2', { city: 'Bergen' }]]);
        assert.equal(first.finishReason, 'tool-calls');
        const [, second] = await proxy.sent();
        const { content: blocks } = second.messages[1];
        assert.deepEqual(blocks.map((block) => block.type),
          ['thinking', 'text', 'tool_use', 'tool_use']);
        assert.deepEqual([blocks[0].thinking, blocks[0].signature], ['Two cities.', 'c2ln']);
        assert.deepEqual(second.messages[2].content.map((block) => block.content),
          ['Oslo: rain', 'Bergen: rain']);
      });
  }
}

test('reasoning is shown, whole and streamed, and counted', async () => {
  await proxy.setReplies({ blocks: [{ thinking: 'Well.', signature: 'c2ln' }, { text: 'Rain.' }],
    usage: { output_tokens: 30, output_tokens_details: { thinking_tokens: 20 } } });
  for (const generate of [generateText, streamText]) {
    const result = await generate({ ...settings, providerOptions: thinks });
    await result.consumeStream?.();
    assert.equal(await result.reasoningText, 'Well.');
    assert.equal(await result.text, 'Rain.');
    assert.equal((await result.usage).outputTokenDetails.reasoningTokens, 20);
  }
  const [sent] = await proxy.sent();
  assert.equal(sent.output_config.effort, 'low');
});

test('a conversation continues with the id of the last response', async () => {
  await proxy.setReplies({ times: 1, text: 'Rain.' }, { text: 'Sun.' });
  const { providerMetadata } = await generateText(settings);
  const { text } = await generateText({ ...settings, prompt: 'And tomorrow?', providerOptions: {
    openai: { previousResponseId: providerMetadata.openai.responseId } } });
  assert.equal(text, 'Sun.');
  const [, second] = await proxy.sent();
  assert.equal(second.messages.length, 3);
});

test('messages of before go back as they were', async () => {
  await proxy.setReplies({ times: 1, blocks: [{ thinking: 'Well.', signature: 'c2ln' },
    { text: 'Rain.' }] }, { text: 'Sun.' });
  const { response } = await generateText(settings);
  await generateText({ model, maxRetries: 0, messages: [{ role: 'user', content: prompt },
    ...response.messages, { role: 'user', content: 'And tomorrow?' }] });
  const [, second] = await proxy.sent();
  assert.deepEqual(second.messages[1].content.map((block) => block.type), ['thinking', 'text']);
});

for (const generate of [generateText, generateObject]) {
  test(`an object by its schema (${generate.name})`, async () => {
    await proxy.setReplies({ text: '{"city":"Oslo","degrees":7.5}' });
    const result = generate === generateText
      ? await generate({ ...settings, output: Output.object({ schema: City }) })
      : await generate({ ...settings, schema: City });
    assert.deepEqual(result.output ?? result.object, { city: 'Oslo', degrees: 7.5 });
    const [sent] = await proxy.sent();
    assert.equal(sent.output_config.format.type, 'json_schema');
  });
}

test('an object is streamed as it grows', async () => {
  await proxy.setReplies({ blocks: [{ text: '',
    deltas: ['{"city":', '"Oslo"', ',"degr', 'ees":7.5}'] }] });
  const result = streamText({ ...settings, output: Output.object({ schema: City }) });
  const grown = [];
  for await (const part of result.partialOutputStream) grown.push(part);
  assert.deepEqual(grown.find((part) => 'city' in part), { city: 'Oslo' });
  assert.deepEqual(grown.at(-1), { city: 'Oslo', degrees: 7.5 });
});

test('A5 a call without arguments has an empty object', async () => {
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

test('a custom tool is called with its text', async () => {
  for (const generate of [generateText, streamText]) {
    await proxy.setReplies({ blocks: [{ tool_use: { id: 'toolu_1', name: 'shell',
      fragments: ['{"input":"ls ', '-l"}'] } }] });
    const result = await generate({ ...settings, tools: { shell: openai.tools.customTool({
      name: 'shell', description: 'A shell.' }) } });
    await result.consumeStream?.();
    assert.deepEqual((await result.toolCalls).map((call) => [call.toolName, call.input]),
      [['shell', 'ls -l']]);
  }
});

test('a tool that fails, and one that is not there, are reported to the model', async () => {
  await proxy.setReplies({ times: 1, blocks: [
    { tool_use: { id: 'toolu_1', name: 'broken', input: {} } },
    { tool_use: { id: 'toolu_2', name: 'absent', input: { a: 1 } } }] }, { text: 'Sorry.' });
  const broken = tool({ inputSchema: z.object({}),
    execute: async () => { throw new Error('out of order'); } });
  const { text } = await generateText({ ...settings, tools: { broken }, stopWhen: stepCountIs(2) });
  assert.equal(text, 'Sorry.');
  const [, second] = await proxy.sent();
  assert.deepEqual(second.messages[1].content.map((block) => block.name), ['broken', 'absent']);
  const [first, other] = second.messages[2].content.map((block) => JSON.stringify(block));
  assert.match(first, /out of order/);
  assert.match(other, /absent/);
});

test('images and files arrive, and the system\'s words', async () => {
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

test('a web search is one of the provider\'s, and its sources are sources', async () => {
  for (const generate of [generateText, streamText]) {
    await proxy.setReplies({ blocks: [
      { web_search: { query: 'weather', results: [{ url: 'https://example.com/', title: 'Sky' }] } },
      { text: 'It rains.', citations: [{ url: 'https://example.com/', title: 'Sky',
        cited_text: 'rain' }] },
    ] });
    const result = await generate({ ...settings,
      tools: { web_search: openai.tools.webSearch({ searchContextSize: 'low' }) } });
    await result.consumeStream?.();
    assert.equal(await result.text, 'It rains.');
    assert.deepEqual((await result.sources).map(({ url, title }) => [url, title]),
      [['https://example.com/', 'Sky']]);
    assert.equal((await result.toolCalls)[0].providerExecuted, true);
  }
});

test('finish reasons have its own names', async () => {
  await proxy.setReplies({ text: 'It will', stop_reason: 'max_tokens' });
  assert.equal((await generateText(settings)).finishReason, 'length');
  assert.equal(await streamText(settings).finishReason, 'length');
});

test('an upstream error keeps its status and message', async () => {
  await proxy.setReplies({ status: 400, error: { type: 'invalid_request_error',
    message: 'prompt is too long: 210000 tokens > 200000 maximum' } });
  await assert.rejects(generateText(settings), (error) => {
    assert.ok(APICallError.isInstance(error), `${error}`);
    assert.equal(error.statusCode, 400);
    assert.match(error.message, /prompt is too long/);
    return true;
  });
});

test('an error before a stream is retried when it is temporary', async () => {
  await proxy.setReplies({ times: 1, status: 429, error: 'rate_limit_error' }, { text: 'Rain.' });
  assert.equal(await streamText({ ...settings, maxRetries: 1 }).text, 'Rain.');
  for (const [reply, status, code] of [
    [{ status: 429, error: 'rate_limit_error' }, 429, 'rate_limit_exceeded'],
    [{ status: 529, error: 'overloaded_error' }, 503, 'overloaded'],
  ]) {
    await proxy.setReplies({ ...reply, headers: { 'retry-after': '3000' } });
    const { errors: [error] } = await parts(streamText({ ...settings, onError: () => {} }));
    assert.ok(APICallError.isInstance(error), `${error}`);
    assert.equal(error.statusCode, status);
    assert.equal(error.isRetryable, true);
    assert.equal(error.data.error.code, code);
    assert.equal(error.responseHeaders['retry-after'], '3000');
  }
});

for (const [how, reply, before] of [
  ['an error in the middle of a stream', BROKEN, 'It will'],
  ['a stream that breaks off upstream', { blocks: [{ text: '', deltas: ['It ', 'will ', 'rain.'] }],
    fault: 'end-mid=5' }, 'It will '],
]) {
  test(`A1 ${how} is not reported as a normal end`, async () => {
    await proxy.setReplies(reply);
    const result = streamText({ ...settings, onError: () => {} });
    const { text, errors } = await parts(result);
    assert.equal(text, before);
    assert.equal(await result.finishReason, 'error');
    assert.match(JSON.stringify(errors), /server_error/);
  });
}

test('a stream that is aborted is aborted upstream, too', async () => {
  await proxy.setReplies({ blocks: [{ text: '', deltas: ['word '], repeat: 2000 }], pace: 10 });
  const controller = new AbortController();
  const kinds = [];
  for await (const part of streamText({ ...settings, abortSignal: controller.signal }).fullStream) {
    kinds.push(part.type);
    if (part.type === 'text-delta') controller.abort();
  }
  assert.equal(kinds.at(-1), 'abort');
  assert.ok(await proxy.wasAborted());
});
