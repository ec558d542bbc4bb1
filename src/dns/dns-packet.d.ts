/** Codecs of single records that dns-packet exports and its types leave out. */
import 'dns-packet';

declare module 'dns-packet' {
  interface RecordDataCodec {
    /** RDLENGTH and RDATA. */
    encode(data: unknown): Buffer;
  }
  export function record(type: 'A' | 'AAAA' | 'NS' | 'SOA' | 'TXT'): RecordDataCodec;
  export const answer: { encode(record: Answer): Buffer };
}
