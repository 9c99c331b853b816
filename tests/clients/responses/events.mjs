// Checks the order of events that the strictest readers (openai's accumulator, Codex) require of
// every stream of a response.
import assert from 'node:assert/strict';

const LAST = ['response.completed', 'response.incomplete', 'response.failed'];

// These members are always present, and null when they are empty.
const FIELDS = ['id', 'object', 'created_at', 'completed_at', 'status', 'background', 'error',
  'incomplete_details', 'instructions', 'max_output_tokens', 'max_tool_calls', 'model', 'output',
  'parallel_tool_calls', 'previous_response_id', 'prompt_cache_key', 'reasoning',
  'safety_identifier', 'service_tier', 'store', 'temperature', 'top_p', 'presence_penalty',
  'frequency_penalty', 'top_logprobs', 'text', 'tool_choice', 'tools', 'truncation', 'usage',
  'metadata', 'user'];

export function checkResponse(response) {
  for (const field of FIELDS) assert.ok(field in response, `${field} is there`);
  assert.match(response.id, /^resp_[A-Za-z0-9]{22,59}$/);
  assert.equal(response.object, 'response');
  assert.ok(Number.isInteger(response.created_at));
  assert.equal(response.completed_at !== null, response.status === 'completed');
  for (const item of response.output) assert.ok(item.id.length <= 64, item.id);
  const ids = response.output.map((item) => item.id);
  assert.equal(new Set(ids).size, ids.length, 'an id for each item');
}

// What the deltas of an item add up to, by its kind.
class Growing {
  constructor(item, index) {
    Object.assign(this, { item, index, parts: [], text: '', isDone: false });
  }

  part(event) {
    const at = event.content_index ?? event.summary_index;
    if (at === undefined) return this;
    assert.ok(this.parts[at] && !this.parts[at].closed, `${event.type} in a part that is open`);
    return this.parts[at];
  }

  take(event) {
    const kind = event.type.replace(/^response\./, '');
    assert.equal(event.item_id, this.item.id, event.type);
    assert.equal(event.output_index, this.index, event.type);
    if (/part\.added$/.test(kind)) {
      assert.equal(event.content_index ?? event.summary_index, this.parts.length);
      assert.equal(event.part.text ?? event.part.refusal, '');
      this.parts.push({ text: '', annotations: [] });
    } else if (/part\.done$/.test(kind)) {
      const part = this.part(event);
      assert.ok(part.isDone, `the text of a part is told before ${event.type}`);
      assert.equal(event.part.text ?? event.part.refusal, part.text);
      assert.deepEqual(event.part.annotations ?? [], part.annotations);
      part.closed = true;
    } else if (/\.delta$/.test(kind)) {
      assert.ok(event.delta.length > 0, `${event.type} is not empty`);
      this.part(event).text += event.delta;
    } else if (/annotation\.added$/.test(kind)) {
      const { annotations } = this.part(event);
      assert.equal(event.annotation_index, annotations.length);
      annotations.push(event.annotation);
    } else if (/\.done$/.test(kind)) {
      const part = this.part(event);
      assert.equal(event.text ?? event.refusal ?? event.arguments ?? event.input, part.text,
        `${event.type} says what the deltas said`);
      part.isDone = true;
    } else {
      assert.match(kind, /^web_search_call\./);
    }
  }

  end(item) {
    assert.equal(item.id, this.item.id);
    assert.equal(item.type, this.item.type);
    assert.equal(item.call_id, this.item.call_id);
    assert.ok(this.parts.every((part) => part.closed), 'parts are closed before their item');
    const texts = this.parts.map((part) => part.text);
    if (item.type === 'message')
      assert.deepEqual(item.content.map((part) => part.text ?? part.refusal), texts);
    if (item.type === 'reasoning')
      assert.deepEqual(item.summary.map((part) => part.text), texts);
    if (item.type === 'function_call' || item.type === 'custom_tool_call') {
      assert.equal(item.arguments ?? item.input, this.text);
      assert.ok(this.isDone, 'arguments are told before their item ends');
    }
  }
}

// Throws when a whole stream is not in order. Returns the response that it ended with.
export function checkStream(events) {
  assert.deepEqual(events.map((event) => event.sequence_number), events.map((_, i) => i));
  const [{ type, response: { id } }] = events;
  assert.equal(type, 'response.created');
  const done = [];
  let open = null;
  for (const event of events.slice(0, -1)) {
    assert.ok(!LAST.includes(event.type), `${event.type} is the last one`);
    if (event.response) {
      checkResponse(event.response);
      assert.equal(event.response.id, id);
      assert.deepEqual(event.response.output, []);
      assert.equal(event.response.usage, null);
      assert.equal(done.length, 0);
    } else if (event.type === 'response.output_item.added') {
      assert.equal(open, null, 'an item ends before the next one');
      assert.equal(event.output_index, done.length);
      assert.ok(event.item.id);
      open = new Growing(event.item, event.output_index);
    } else if (event.type === 'response.output_item.done') {
      assert.ok(open, 'what ends has begun');
      assert.equal(event.output_index, open.index);
      open.end(event.item);
      done.push(event.item);
      open = null;
    } else {
      assert.ok(open, `${event.type} outside of an item`);
      open.take(event);
    }
  }
  const last = events.at(-1);
  assert.ok(LAST.includes(last.type), `${last.type} is no end`);
  assert.equal(last.response.id, id);
  assert.equal(last.type, `response.${last.response.status}`);
  checkResponse(last.response);
  assert.deepEqual(last.response.output, done, 'the end repeats the items');
  if (last.type !== 'response.failed') {
    assert.equal(open, null, 'all items are closed');
    const { usage } = last.response;
    assert.equal(usage.total_tokens, usage.input_tokens + usage.output_tokens);
  } else {
    assert.ok(last.response.error.code && last.response.error.message);
  }
  return last.response;
}

// Returns all events of a stream that is in order, and the response that it ended with.
export async function read(stream) {
  const events = [];
  for await (const event of await stream) events.push(event);
  return { events, response: checkStream(events) };
}
