/** How many times slower than usual this machine is: 1, and more under emulation (scripts/vm). For bounds that only end what hangs. */
export const slowness = Number(process.env['TSRUNC_SLOWNESS'] ?? 1);

/** A bound in milliseconds for a call that may hang. */
export const patience = (milliseconds: number): number => milliseconds * slowness;
