/** Three decimals are below what a counter of whole packets can tell; a whole number stays exact. */
export function toThousandths(value: number): number {
  return Math.round(value * 1000) / 1000;
}
