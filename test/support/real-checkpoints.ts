// SPDX-License-Identifier: Apache-2.0
/** Checkpoints that real logs signed, and their keys, typed in with where they are from. */

/** Built into the go command, as GOSUMDB. */
export const SUMDB_VKEY = 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8';

/** From torchwood v0.10.0 (BSD), cmd/litewitness/testdata/sumdb.txt. */
export const SUMDB_CHECKPOINT = `go.sum database tree
35225469
vt5T6GaLCXvyHFl9VUvvItR43XZxfLgftEcTyO3eJCQ=

\u2014 sum.golang.org Az3grpukl5AXaVfYkLiDGORx/DN2nlcS5kZHR5uYOBV2KA2HgXpD+gu9HHONebHLAyaKbbTM75QTtPydhKCExixSfwQ=
`;

/** What the go command was shown in November 2026. */
export const SUMDB_LATER = `go.sum database tree
72097574
TN5X3MLGTDFnVRn7RF0+aSqn9MdPDdly11pPObF1Ti8=

\u2014 sum.golang.org Az3grqWEGn3sDlsyQ9ppBk0lZ6N+PyvyN98h/w05RN0Kd0gEPt5lnWXQ0GU4cdmhWiTJp6w7TVjS+LEx1xKeKQ+9EAk=
`;

/** Rekor v2's first shard, and a checkpoint of it with a witness's line (July 2026). */
export const REKOR_VKEY =
  'log2025-1.rekor.sigstore.dev+cf119915+AbfK5adZJxsI323FwGD2AJJ9F4i89cfDuLdGJBIYntuO';
export const REKOR_CHECKPOINT = `log2025-1.rekor.sigstore.dev
139911860
EliTHtnx44DhEBH+5qIXBtQsSpc54Avam7mIYEvxnTA=

\u2014 log2025-1.rekor.sigstore.dev zxGZFcOra4Y7QpuiQen+CmnUvDZbxSXfBOXJzL+HKIeR9aC58QTfao58ABqkhVyBhQDseS+TZdDNpcnZhoRxkh7IbQ0=
\u2014 witness.stagemole.eu Z/euoAAAAABqxF18wrJCADsJ1G5Lc2JaRjZqqBwjpNqH24yQse4iJ4rKS6b5MtvHP+IbKYXwaWuWokdGA+BubLFi+TrwK7xpKr6XBw==
`;
/** Its operator publishes the key. */
export const STAGEMOLE_VKEY =
  'witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv';

/**
 * A Sigsum log of torchwood v0.10.0's cmd/litewitness/testdata/litewitness.txt: `add-sigsum-log -key
 * ffdc2d4d...` makes this verifier key, and this is the first checkpoint there.
 */
export const SIGSUM_ORIGIN =
  'sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562';
export const SIGSUM_KEY = 'ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f';
export const SIGSUM_CHECKPOINT = `${SIGSUM_ORIGIN}
1
KgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

\u2014 ${SIGSUM_ORIGIN} UgIom7fPZTqpxWWhyjWduBvTvGVqsokMbqTArsQilegKoFBJQjUFAmQ0+YeSPM3wfUQMFSzVnnNuWRTYrajXpNUbIQY=
`;

/** An entry of the checksum database, and the proof that the go command was shown of it. */
export const SUMDB_ENTRY = `zombiezen.com/go/sqlite v1.4.2 h1:KZXLrBuJ7tKNEm+VJcApLMeQbhmAUOKA5VWS93DfFRo=
zombiezen.com/go/sqlite v1.4.2/go.mod h1:5Kd4taTAD4MkBzT25mQ9uaAlLjyR0rFhsR6iINO70jc=
`;
export const SUMDB_PROOF = `c2sp.org/tlog-proof@v1
index 37764012
hxY5KRfDCMyMJUgt/la9hJDt911uel7fGayHNORD6WA=
XY4WkToEACffR0o9Q22aRpy2Aaz9J+0yAyI35NI3XWY=
TjxPqj7lHfSOv66zmroYIbqL6SMig8J/CHWQp361cTI=
An0WeoK5cjBpQwfJ1jg1tAczl6pANFpYyQItfiIXYy8=
tWP4yc4ZR0B3az74jzjJYonTlWterXKhowEMtG8QDqs=
sEWHJuzps/kl2O9VqRyqbz2ra3HHxYNVY6kpgHp8na8=
IJRnnAXP48IYnyQyV9xdn1ejJyLqgdS/3VQ1MLJWI20=
GI/eLK7bmdSqAJsISYGVDOHCG9ZTJuRWtaDnpiJsx14=
S+PmTsjFbuBlBBmKg+LWTQ1CO+zgXIzK5XRHOiIr7vI=
QNCxiNP2KEGjItgq1ad4pFu5dM2jwPi/Qdhj61n53ac=
9MQomH7vsfFwJhbEqAuRW0i16Bn+4R2dYBK0DW2F480=
sZaIEpPhYNJHfYyzdD0A3J/MZ1MkyjdFEgnCDcdxMtE=
GTYB4mFnxR5La8/ZlohwmH0NcAcaIZ8hN9+FAlaBzUE=
dY7rHELwQzRZotTdRQQ9ugT5BlBAnKc+c3cWyDNcnFg=
jPnFo/rj9TgiXSaqq2FnkWFCzGisvpu3P+Yrs3mQsiE=
NpIrF+8D131IlSIZ6/7p56KDOv/KirqbpYVfbdbtCCE=
KPDlmBoR5/eQvrF7S3BZ1Y47WUhQCXpqEEsei+vjjug=
Eqe2nvoOjiqrPRggL5Z74HGBnKiSn8NvysW4XguY0+w=
eYZhVGyHwWk/PQuvYJtcDMl5EGZgQnWgKnyZtcMMoKU=
cgVCXauBfQNC8nxQos+k1gspYDuYYSfUd8MIT0lnuOc=
0vv8b5wDkbCLPTC4lY+oFGpTHgAQ9+lo9cDcDOyOYNc=
e1ezhZvzT8+0pNtTzEwST5isZOoXfFI0HOLdUR1BSNA=
giaRi857vOA0EmnduGRsJtqDD2/Tb8+LQt6hhjmJCTs=
HylvRFWkAuPMrqSHltikXn/NY9tK9xw2B0ZEOtp3uPk=
IccGB+xCjUiCcPj0BxGsUv0l9T7dKGCKAf0RIwcIi6w=
xJ20xXM4QItt5vxFOtolZ5l18p7ej1+RimNkgWmoRFM=
+TN8j/KbNPCLmgb5/sBKiUnvWNZK+3hS/YF1+DUDY38=

go.sum database tree
72201322
EgexwBZEbnq5RUm1/iCB9YaZXJigmqNqv84UGhzca4o=

\u2014 sum.golang.org Az3grgqeI7FMbJBAcNpDpTFIES60VV4LLYXgz/af8SDCi8B0d95e5gO9eFD9HPP8yrjiF6Qnlts4rqGd8A74ZPhZlQo=
`;
