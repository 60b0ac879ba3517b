export { isParked, park, parkAsync, parkState, resume } from './interrupt/interrupt.ts';
export type { Parked, ParkState, Resumed } from './interrupt/interrupt.ts';
export type { ParkOptions } from './interrupt/park-options.ts';
export { ParkTicketError } from './interrupt/park-ticket.ts';
export type { ParkClaim, ParkTicket } from './interrupt/park-ticket.ts';
export { Parkable } from './interrupt/parkable.ts';
export { interrupt, ParkError } from './interrupt/interrupt-port.ts';
