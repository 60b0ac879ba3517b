// Whether a tag is above its soft limit, once for all threads, with hysteresis.
//
// `alarm` counts crossings: odd while above. It follows `current`, which is another word: who has changed `current` settles it,
// and each change of `alarm` looks at `current` anew. Failures prevented: an alarm that stays on, or off, for good, because
// `current` went back between a thread's look and its CAS; one crossing that is told twice.
import { compareExchange, highHalf, load, lowHalf, word64 } from '@corelane/shared-memory/kernel/atomics';
import {
  ALARM_RAISED,
  ALARM_RECOVERED,
  ALARM_SETTLED,
  BYTES_HIGH_MASK,
  TAG_CELL_ALARM,
  TAG_CELL_CURRENT,
  TAG_CELL_RECOVER,
  TAG_CELL_SOFT,
} from './layout.generated.ts';
import { isBelow64 } from './word64.ts';

/** Changes the alarm once where it has to be. Call it until it is settled. @returns ALARM_* */
export function settleAlarm(tag: i32): i32 {
  while (true) {
    const alarm = load(tag + TAG_CELL_ALARM);
    const soft = word64(tag + TAG_CELL_SOFT);
    const recover = word64(tag + TAG_CELL_RECOVER);
    const current = word64(tag + TAG_CELL_CURRENT);
    const bytesLow = lowHalf(current);
    const bytesHigh = highHalf(current) & BYTES_HIGH_MASK;
    const isAbove = isBelow64(lowHalf(soft), highHalf(soft), bytesLow, bytesHigh);
    // Not above the soft limit either: limits are set one after the other, and those of two settings may be mixed for a moment.
    const isRecovered = !isAbove && !isBelow64(lowHalf(recover), highHalf(recover), bytesLow, bytesHigh);
    if ((alarm & 1) == 0 ? !isAbove : !isRecovered) return ALARM_SETTLED;
    // pairs with itself on other threads: each change of the alarm is one thread's, who tells it.
    if (compareExchange(tag + TAG_CELL_ALARM, alarm, (alarm + 1) | 0) == alarm)
      return (alarm & 1) == 0 ? ALARM_RAISED : ALARM_RECOVERED;
  }
}
