// A parking spot that is a shared object of its own.
import { Arena, type ObjectHandle } from './arena.ts';
import { parkerRoot } from './layout.ts';
import { ParkingSpot } from './parking-spot.ts';

export type ParkerHandle = ObjectHandle<'shared-memory/parker'>;

export class Parker extends ParkingSpot {
  readonly handle: ParkerHandle;

  private constructor(arena: Arena, at: number) {
    super(arena, at + parkerRoot.offset.words);
    this.handle = arena.objectHandle(parkerRoot.name as ParkerHandle['kind'], at);
  }

  /** @throws ArenaExhaustedError */
  static create(arena: Arena): Parker {
    return new Parker(arena, arena.createObject(parkerRoot));
  }

  /** @throws AttachError */
  static attach(handle: ParkerHandle, arena: Arena = Arena.attach(handle?.arena)): Parker {
    return new Parker(arena, arena.openObject(parkerRoot, handle).at);
  }
}
