/** VLAN tags in captures: IEEE 802.1Q, and the numbers that came before 802.1ad. */

export const VLAN_TAG = 0x8100;

/** Tags of a provider's network: IEEE 802.1ad, and what switches used before. */
export function isServiceTag(etherType: number): boolean {
  return (
    etherType === 0x88a8 || etherType === 0x9100 || etherType === 0x9200 || etherType === 0x9300
  );
}
