/**
 * A thread of the WASM engine: sleeps until the engine says which program to run, and runs its part
 * of it. An entry point of its own in the build.
 */
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import { type WasmInstance, wasm } from './wasm-api.js';
import { type Message, type ThreadData, words } from './wasm-team.js';

interface Joined {
  readonly instance: WasmInstance;
  readonly message: Extract<Message, { kind: 'join' }>;
}

const { control, port, module, thread, threads } = workerData as ThreadData;
const programs = new Map<number, Joined>();

function obey(message: Message): void {
  if (message.kind === 'leave') {
    programs.delete(message.id);
    return;
  }
  const instance = new wasm.Instance(module, { env: { memory: message.memory } });
  instance.exports.__stack_pointer.value = message.stack;
  programs.set(message.id, { instance, message });
}

for (let seen = 0; ; ) {
  Atomics.wait(control, words.turn, seen);
  seen = Atomics.load(control, words.turn);
  for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) {
    obey(next.message as Message);
  }
  const joined = programs.get(Atomics.load(control, words.program));
  if (joined) {
    const calls = Atomics.load(control, words.calls);
    const count = Atomics.load(control, words.count);
    const { team } = joined.message;
    joined.instance.exports.run(calls, count, thread, threads, team);
  } else {
    Atomics.add(control, words.ready, 1);
    Atomics.notify(control, words.ready);
  }
}
