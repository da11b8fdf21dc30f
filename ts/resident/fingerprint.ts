// Made by `npm run generate` from ts/resident/messages.ts. Don't edit.

/** Of the tables of orders and reports; a launcher that was built from others is declined. */
export const FINGERPRINT = 0x8816fbec;
