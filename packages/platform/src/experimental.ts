export { isParked, park, parkAsync, parkState, resume } from './interrupt.ts';
export type { Parked, ParkState, Resumed } from './interrupt.ts';
export type { ParkOptions } from './park-options.ts';
export { ParkTicketError } from './park-ticket.ts';
export type { ParkClaim, ParkTicket } from './park-ticket.ts';
export { Parkable } from './parkable.ts';
