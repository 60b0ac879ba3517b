/** What the tests use of jsdom; `@types/jsdom` needs the types of a whole browser's tools. */
declare module 'jsdom' {
  export class JSDOM {
    constructor(text: string, options: { contentType: string; runScripts: 'outside-only' });
    readonly window: Window & typeof globalThis;
  }
}
