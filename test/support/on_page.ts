/** On a page nobody may wait for others: the caller is none of the threads. */
export const ON_PAGE: boolean = typeof document === 'object';
