import { defineVerb, exitCodeOfSignal } from "../terminal/command.ts";
import { lookAt } from "../terminal/look.ts";
import { diagnosisDocument } from "../core/diagnosis.ts";
import { verdictOf } from "../core/verdict.ts";
import { diagnosisText } from "../reports/diagnosis-text.ts";

import { forSeconds, from, observationOf } from "../observing.ts";

export default defineVerb({
  name: "diagnose",
  summary: {
    en: "say whether packets are lost between NIC and sockets, why, and what helps",
    zh: "判断网卡与套接字之间是否丢包、为什么、怎样解决",
  },
  details: {
    en: "Exits with 0 when healthy, 1 with findings, 2 when it could not tell.",
    zh: "退出码：0 正常，1 有发现，2 无法判断。",
  },
  options: { forSeconds, from },
  run: async (options, io) => {
    const observation = await observationOf(options, io);
    if (observation === undefined) return exitCodeOfSignal(io.signal);

    const verdict = verdictOf(observation);
    io.stdout(
      options.json
        ? `${JSON.stringify(diagnosisDocument(observation, verdict, options.lang))}\n`
        : diagnosisText(observation, verdict, {
            ...lookAt(options.lang, io),
            isTerminal: io.isTerminal,
            capture: options.from,
          }),
    );
    return verdict.findings.length === 0 ? 0 : 1;
  },
});
