/** The statuses of what waits for an org or on a route: these the program counts as its queue. */
export const WAITING = 'queued,processing,retrying';
