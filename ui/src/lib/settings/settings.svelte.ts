import type { Backend, Setting, SettingValue } from '../backend/backend';
import { Problem } from '../backend/backend';
import { reasonOf } from '../shell/notices.svelte';

/** The settings of the program, and changing them. */
export class SettingsState {
  all = $state.raw<readonly Setting[]>([]);
  /** The file that they stand in. */
  file = $state('');
  phase = $state<'loading' | 'ready' | 'error'>('loading');
  /** Why a setting could not be changed, by its name. */
  problems = $state.raw<Readonly<Record<string, string>>>({});
  /** The settings that are being changed. */
  saving = $state.raw<ReadonlySet<string>>(new Set());
  /** The one that was changed last, to say so beside it. */
  saved = $state<string | null>(null);

  /** The settings by which the program goes only after its next start. */
  readonly pending = $derived(this.all.filter((setting) => setting.pending));

  #backend: Backend;
  #onProblem: (error: unknown) => void;

  constructor(backend: Backend, onProblem: (error: unknown) => void) {
    this.#backend = backend;
    this.#onProblem = onProblem;
  }

  /** The setting of a name. */
  get(name: string): Setting | undefined {
    return this.all.find((setting) => setting.name === name);
  }

  /** Reads the settings. */
  async load(): Promise<void> {
    try {
      this.#take(await this.#backend.settings());
    } catch (error) {
      this.#onProblem(error);
      if (this.all.length === 0) this.phase = 'error';
    }
  }

  /** Changes a setting; null takes it back to its default. True when it holds. */
  async change(name: string, value: SettingValue | null): Promise<boolean> {
    this.saving = new Set([...this.saving, name]);
    this.saved = null;
    try {
      this.#take(await this.#backend.changeSettings({ [name]: value }));
      this.#setProblem(name, null);
      this.saved = name;
      return true;
    } catch (error) {
      this.#onProblem(error);
      this.#setProblem(name, reasonOf(error));
      // Somebody set it elsewhere meanwhile: show what it is now.
      if (error instanceof Problem && error.status === 409) await this.load();
      return false;
    } finally {
      this.saving = new Set([...this.saving].filter((one) => one !== name));
    }
  }

  /** Forgets why a setting could not be changed. */
  forgive(name: string): void {
    this.#setProblem(name, null);
  }

  #take({ file, settings }: { file: string; settings: Setting[] }): void {
    this.file = file;
    this.all = settings;
    this.phase = 'ready';
  }

  #setProblem(name: string, text: string | null): void {
    const { [name]: _, ...others } = this.problems;
    this.problems = text === null ? others : { ...others, [name]: text };
  }
}
