/** Names the folder in which Vite keeps what it prepares for pages: processes side by side need one each. */
export const CACHE_VARIABLE = 'UPCONV_VITE_CACHE';
