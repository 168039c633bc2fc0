/** What a person reads, in the languages we speak. Keys, codes, paths and commands are never translated. */
export interface Text {
  readonly en: string;
  readonly zh: string;
}

export type Language = keyof Text;
