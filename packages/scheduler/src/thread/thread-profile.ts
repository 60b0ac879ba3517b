// Where a thread spends its CPU time: the profiler of V8, by an inspector session of the thread's own.
import { writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';

export class ThreadProfile {
  readonly #session: Session;
  readonly #file: string;

  private constructor(session: Session, file: string) {
    this.#session = session;
    this.#file = file;
  }

  static async begin(file: string, intervalUs: number): Promise<ThreadProfile> {
    const session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: intervalUs });
    await session.post('Profiler.start');
    return new ThreadProfile(session, file);
  }

  /** @returns why it could not be written */
  async end(): Promise<string | undefined> {
    try {
      const { profile } = await this.#session.post('Profiler.stop');
      await writeFile(this.#file, JSON.stringify(profile));
      return undefined;
    } catch (error) {
      return `profile: ${(error as Error).message}`;
    } finally {
      this.#session.disconnect();
    }
  }
}
