// Tasks that hand over what they return.
import {
  isWorkerThread,
  move,
  transferableSymbol,
  valueSymbol,
  workerData,
} from '@corelane/scheduler/piscina';

let kept: ArrayBuffer | undefined;

export default function buffer(bytes: number): unknown {
  kept = new ArrayBuffer(bytes);
  return move(kept);
}

export function own(bytes: number): unknown {
  const data = new ArrayBuffer(bytes);
  kept = data;
  return move({
    get [transferableSymbol]() {
      return [data];
    },
    get [valueSymbol]() {
      return { data };
    },
  });
}

export function keptBytes(): number | undefined {
  return kept?.byteLength;
}

export function where(): unknown {
  return { isWorkerThread, workerData: workerData as unknown };
}
