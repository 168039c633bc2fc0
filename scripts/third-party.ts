import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** For packages that name their licence and forget its text. */
const TEXT_OF: Readonly<Record<string, string>> = {
  ISC: `Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted, provided that the
above copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY
DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION,
ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.`,
  MIT: `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the
"Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish,
distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the
following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY
CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE
SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`,
  "Apache-2.0": "The text of the Apache License, Version 2.0 is in the file LICENSE of this package.",
};

/** A package of npm's that something of is in a build. */
export interface ThirdParty {
  readonly name: string;
  readonly version: string;
  /** As SPDX writes it. */
  readonly licence: string;
  readonly author: string | undefined;
  /** Where it is installed, relative to the project. */
  readonly folder: string;
}

/** @param inputs paths of the files that a build was made of, relative to the project. */
export function thirdPartiesOf(inputs: readonly string[]): readonly ThirdParty[] {
  const folders = new Set(
    inputs.flatMap((input) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []),
  );
  return [...folders].toSorted().map((folder) => {
    const { name, version, license, author } = JSON.parse(
      readFileSync(join(folder, "package.json"), "utf8"),
    ) as {
      name: string;
      version: string;
      license: string;
      author?: string | { name: string };
    };
    return {
      name,
      version,
      licence: license.replace(/^Apache License 2\.0$/, "Apache-2.0"),
      author: typeof author === "object" ? author.name : author,
      folder,
    };
  });
}

/**
 * What a build has to carry along for the packages in it.
 *
 * @param inputs paths of the files it was made of, relative to the project
 * @throws Error for a package whose licence we have no text of.
 */
export function noticesOf(inputs: readonly string[]): string {
  const notices = thirdPartiesOf(inputs).map(noticeOf);
  return ["softnet-agent contains the packages below.", ...notices].join(`\n\n${"-".repeat(80)}\n\n`) + "\n";
}

function noticeOf({ name, version, licence, author, folder }: ThirdParty): string {
  const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.\w+)?$/i.test(entry));
  const text = file === undefined ? TEXT_OF[licence] : readFileSync(join(folder, file), "utf8").trim();
  if (text === undefined)
    throw new Error(
      `${folder}: expected a licence file or a licence of ${Object.keys(TEXT_OF).join(", ")}, got ${licence}`,
    );
  return [
    `${name} ${version} (${licence})`,
    ...(file === undefined && author ? [`Copyright ${author}`] : []),
    "",
    text,
  ].join("\n");
}
