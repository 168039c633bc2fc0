/** What a list of instances means for the rules that there are. */
export interface FleetChange {
  /** With rules of ours, and known to exist no more. */
  readonly goneIds: readonly string[];
  /** With rules of ours, there, and not in the list: they keep their rules. */
  readonly unlistedIds: readonly string[];
  /** Why it cannot be believed; undefined where it can. */
  readonly doubt: { readonly expected: string; readonly got: string } | undefined;
}

/** As many may go at once without being asked for. */
const FEW = 3;
const FEW_SHARE = 0.2;

/**
 * Which of the instances that have rules are gone. An instance that is merely not in the list is not gone, only one that the
 * cloud does not know by its id either; and a list that would take most of the rules away is not believed.
 *
 * @param ruledIds instances of this region that have rules of ours.
 * @param listedIds those that carry the tag.
 * @param existingIds those of `ruledIds` that exist, by their ids.
 * @param mostRemovals said by the operator; undefined is a few.
 */
export function fleetChange(
  ruledIds: readonly string[],
  listedIds: readonly string[],
  existingIds: readonly string[],
  mostRemovals: number | undefined,
): FleetChange {
  const goneIds = ruledIds.filter((id) => !listedIds.includes(id) && !existingIds.includes(id));
  const unlistedIds = ruledIds.filter((id) => !listedIds.includes(id) && existingIds.includes(id));
  const most =
    mostRemovals ?? (listedIds.length === 0 ? 0 : Math.max(FEW, Math.floor(ruledIds.length * FEW_SHARE)));
  return {
    goneIds,
    unlistedIds,
    doubt:
      goneIds.length <= most
        ? undefined
        : {
            expected: `at most ${most} instances gone since the last run; if it is true, --max-removals ${goneIds.length}`,
            got: `${goneIds.length} of ${ruledIds.length}${listedIds.length === 0 ? ", and no instance with this tag" : ""}`,
          },
  };
}
