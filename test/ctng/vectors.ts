// SPDX-License-Identifier: Apache-2.0
/**
 * Vectors of CTng's Go programs: public keys of their testData (github.com/jik18001/CTng at c09f05e),
 * the two signatures that the seeds' slides print, and what a run of these programs said on the
 * 25th of November 2026, one object of each kind, as encoding/json wrote it.
 */

/** gossiperNetworkTest/1/gossiperCrypto.json: ThresholdPublicMap. */
export const BLS_PUBLIC: Readonly<Record<string, string>> = {
  'localhost:8080':
    'CVXQ0BnRgtMa065g0WVaKoVaoxAGPxiscPuh52L7YmL7/2NHVnyci1h7JWNAXtkEnRkVHtQpQRK0FuIkRQNd/z/79a/mLu3g/6Dc70YonzBoVgei+aONSyyRh8Y/ickY',
  'localhost:8081':
    'yWyzozTKhLPE19dXboXw0EcM38lnPuYzJskNtSJcVlYiCLRICPLBS0rwQ79o60YAfrEyxPiY6MqQV4/d1ljz3CC1yg+ImVDsM3OEPWzDPR9N7l9LxLK3Z/HECERivPcN',
  'localhost:8082':
    'XhdRWvxPlYrsKM9Bd6JiIzuQcDirkZY5K8F8DXBa7gSY99fyvrVsyzKjUQnTn5wUrhDG8WSDRX6dehDG53OVi0PccLvDEMnsr1DkHYeL6qYWhXh+XCNcVeA0N9OXW8CE',
  'localhost:8083':
    '+inwuRxXL/JdP7OKG3CQUhyiHQCsz1TjC616iPszq2U6Fzjefb8duI45WgDy72MThg3/RyNeRa3tH/1i3tVmWpFlTIVq9o4nawUy98ncGNb/QJxIxD8PuthSLE7zmd8I',
};

/** The same file: SignaturePublicMap, N. Each E is 65537. */
export const RSA_PUBLIC: Readonly<Record<string, bigint>> = {
  'localhost:9000':
    21807808817028069521693981025854627766849100907464628031386389529795793140445452403979568400586301388102303005688782597096478795543494617476262626637251939091457219474844544584944694111795327351162485025615396615156332890111445956553729344912738727208120229178581403780883051005207097866108991379098981205093118647139047092214048380759204440914928346690315813577955415022365974040592290311683131513649330794291316838007320668201086717296546111828165980835726696797314928836964283576233301855572522559548630195787917554335560790396850488199331707061308922415163250057868060445529850753103153976841020361249662478352377n,
  'localhost:8180':
    20010196815470022435868905546915542860705680635042118881171554384873360580244876659820408674639799454365129107628151822842814014262950419073898510010981594641035086504257248790238888439086631001997378363682363649099418615134106203086740252932938343000798251735033433522209722248620071309719516673957669499458841781052026977221612793822280506590749048919212266395854934215745868879850674191875785897998003681752950538090419315688634180383729788626474282822226656747955463503023336781235249715040718221916236198718891202818058724534673409638175978839512694597475925538323738577620893665506531948712974237575045737965311n,
};

/** Seed 000, "TSS-BLS", and testData/monitordata/1/CONFLICT_POM.json: by 8080 and 8082. */
export const PRINTED: readonly { readonly sign: string; readonly payload: readonly string[] }[] = [
  {
    sign: '921791199f1d019b19e12a1da2cd314cd0ebdbb455e8e83e0312768d7cc26c591e3c597050961ca3b473c2ed822fe910',
    payload: [
      'localhost:9000',
      'localhost:9000{"Timestamp":"34","RootHash":"e4fde9a570548f076a99e1d66e88ad80379a61970f9320f1880b922c17742829","TreeSize":0}',
      'localhost:9000{"Timestamp":"34","RootHash":"dca5e67dfff5ccba1f6aed0b75d9f28f2005d6685f37805c362f0ee2d0c4cabc","TreeSize":0}',
    ],
  },
  {
    sign: '1889007b7a6c5cea7b678e577c77669857cc831fa52f62aea4a11d129a17d776067f7eea1a5d85930343e04d95d67f0b',
    payload: [
      'localhost:9000',
      'localhost:9000{"Timestamp":"47","RootHash":"f29ce321bae5e5b8326bca5f5aa4a3b03ffbaa1353f23606d763a7b978d05119","TreeSize":0}',
      'localhost:9000{"Timestamp":"47","RootHash":"b31149594a476f33e0c3aed063a111673ab5ae16c5d49c9b84cc365ea623a4cc","TreeSize":0}',
    ],
  },
];

export const RECORDED: readonly string[] = [
  '{"application":"CTng","period":"13","type":"http://ctng.uconn.edu/101","signer":"localhost:9000","signers":null,"signature":["{\\"sig\\":\\"504bdede0ecd6537016949410d20d06eda4aaeaa3ad42dca150f9ea5f2db65e13cef48707f3d409bad9ed16c577d885c5a5431b89957d6e7feb9a40b7066e99b422e71ca5501645056543ea5ec8c8af5da804721284689e7928c86cabf18b6683d91bf97233f34b1b4c3f850721b75036640071217b25ef811fcf42e477f056a9273b5f6e3c492ac1b075675d09a4b966aa0f1e29375a1f3c6504192f2d1937c496aca9346f95e03b59b207d55c3dca3a33ce7ed253fc65eb6fa4486f29b51bf8626b156f4c531b1fad6920756a45b978509fe8320b1318a2aef7604620428dcf24f9f74e8d8d792a07d562224738784d6e8998281452e1c77e5de5eeea3f266\\",\\"id\\":\\"localhost:9000\\"}",""],"timestamp":"13","crypto_scheme":"RSA","payload":["localhost:9000","{\\"Timestamp\\":\\"13\\",\\"RootHash\\":\\"855111e47caf58b933c604a7781ccf859b56f59fc5e7cafb0bff26a02fc32a6d\\",\\"TreeSize\\":0}",""]}',
  '{"application":"CTng","period":"13","type":"http://ctng.uconn.edu/104","signer":"","signers":null,"signature":["{\\"sig\\":\\"0c7ab9d1101cc243396859d99a3d8c8a6e19055f967bcdd7f641c05072cbaead0ac1cddf21de1047210247b3905463e8dd6947ad6427f52ed36b239509b007d2fa671e340e186b32f36268fe89942f4792f880d25d97a5e9b1ae6517d92c5244f9ed120aa2efa8f8caf8e884bd3faf598c6b0923b126c994ba903cd243ede94602e95609ea4c862fd51b9832c9671fe68bb9b78bf69803cd8c70d55e2e041fa2a85b72230fae0c2c111e1b898e341cb9b3c63000251472dab0d4809b884f58f5f1a1a961ef80f4ab3cfa200c6670ba31467dce0e7def1c13cfbc13743a068d384337bdf8fa5cf2cc56b47bb2506b7e3986bb0a3aedffd346d778fb80375b5f13\\",\\"id\\":\\"localhost:9000\\"}","{\\"sig\\":\\"504bdede0ecd6537016949410d20d06eda4aaeaa3ad42dca150f9ea5f2db65e13cef48707f3d409bad9ed16c577d885c5a5431b89957d6e7feb9a40b7066e99b422e71ca5501645056543ea5ec8c8af5da804721284689e7928c86cabf18b6683d91bf97233f34b1b4c3f850721b75036640071217b25ef811fcf42e477f056a9273b5f6e3c492ac1b075675d09a4b966aa0f1e29375a1f3c6504192f2d1937c496aca9346f95e03b59b207d55c3dca3a33ce7ed253fc65eb6fa4486f29b51bf8626b156f4c531b1fad6920756a45b978509fe8320b1318a2aef7604620428dcf24f9f74e8d8d792a07d562224738784d6e8998281452e1c77e5de5eeea3f266\\",\\"id\\":\\"localhost:9000\\"}"],"timestamp":"2026-11-25T19:13:00Z","crypto_scheme":"","payload":["localhost:9000","localhost:9000{\\"Timestamp\\":\\"13\\",\\"RootHash\\":\\"39779ae27fbd59ce9888331520ef7dc5f2f56fa7b380c702215322aa9ca7f3ca\\",\\"TreeSize\\":0}","localhost:9000{\\"Timestamp\\":\\"13\\",\\"RootHash\\":\\"855111e47caf58b933c604a7781ccf859b56f59fc5e7cafb0bff26a02fc32a6d\\",\\"TreeSize\\":0}"]}',
  '{"application":"CTng","period":"13","type":"http://ctng.uconn.edu/103","signer":"localhost:8180","signers":null,"signature":["{\\"sig\\":\\"4d9e8570697d6e56af2dfb86fa6e004033feff73b282c655bc4d6aba3c8e10c6ba708bd54fcd6abcf4f9c521326dc874d37619b90d68ddae1256331c112abc1517e306d6b92db423818a29e9a312cd169932fae8ffe613469013d49de93c4c8b09fea2a4f81e3f9bdd2f89b354b1008863b53327a4fdfd1ff5badeef06860db9337c701b495dbddb724ba8ff775065d45bab5d806e6ff49830996bd8b91e91ea5e87dabdfa29c71b4fc273a3fb07be21db0fcebffcd2438ba9d5593fd0ecbb6fd44f93cd2e193ae5116fe110dc3b64369c3f1571cc959b197ee5b979cb69c4acf49186641e23fe304ddc64c9b22f9979b008acee1d9e10aadb4042235d37d752\\",\\"id\\":\\"localhost:8180\\"}",""],"timestamp":"2026-11-25T19:13:00Z","crypto_scheme":"RSA","payload":["localhost:9002","",""]}',
  '{"application":"CTng","period":"13","type":"http://ctng.uconn.edu/203","signer":"localhost:8080","signers":null,"signature":["{\\"sign\\":\\"b117309138342f89cf2b6a7932f08192635e2a59bca56e5b05d8e37e163eeecb356baf6d1717c1b77c4733070a0ebe0b\\",\\"id\\":\\"localhost:8080\\"}",""],"timestamp":"2026-11-25T19:13:00Z","crypto_scheme":"BLS","payload":["localhost:9002","",""]}',
  '{"application":"CTng","period":"13","type":"http://ctng.uconn.edu/303","signer":"","signers":{"0":"localhost:8080","1":"localhost:8082"},"signature":["{\\"sign\\":\\"b61446e88158f5bfe780c3eb8c9c293e219fb8b64ade2c6473bcf4e74ab1ad65c4278fa9374d15345e123dd6503a0a02\\", \\"ids\\":[\\"localhost:8080\\",\\"localhost:8082\\"]}",""],"timestamp":"2026-11-25T19:13:00Z","crypto_scheme":"BLS","payload":["localhost:9002","",""]}',
  '{"application":"CTng","period":"13","type":"http://ctng.uconn.edu/204","signer":"localhost:8082","signers":null,"signature":["{\\"sign\\":\\"b05a7b99d198fcd4460d7fd34a2f87746a4398353168ade3291eec3e1da313d7819f4d3615026f86830177891b3ffb0c\\",\\"id\\":\\"localhost:8082\\"}","{\\"sig\\":\\"504bdede0ecd6537016949410d20d06eda4aaeaa3ad42dca150f9ea5f2db65e13cef48707f3d409bad9ed16c577d885c5a5431b89957d6e7feb9a40b7066e99b422e71ca5501645056543ea5ec8c8af5da804721284689e7928c86cabf18b6683d91bf97233f34b1b4c3f850721b75036640071217b25ef811fcf42e477f056a9273b5f6e3c492ac1b075675d09a4b966aa0f1e29375a1f3c6504192f2d1937c496aca9346f95e03b59b207d55c3dca3a33ce7ed253fc65eb6fa4486f29b51bf8626b156f4c531b1fad6920756a45b978509fe8320b1318a2aef7604620428dcf24f9f74e8d8d792a07d562224738784d6e8998281452e1c77e5de5eeea3f266\\",\\"id\\":\\"localhost:9000\\"}"],"timestamp":"2026-11-25T19:13:00Z","crypto_scheme":"bls","payload":["localhost:9000","localhost:9000{\\"Timestamp\\":\\"13\\",\\"RootHash\\":\\"39779ae27fbd59ce9888331520ef7dc5f2f56fa7b380c702215322aa9ca7f3ca\\",\\"TreeSize\\":0}","localhost:9000{\\"Timestamp\\":\\"13\\",\\"RootHash\\":\\"855111e47caf58b933c604a7781ccf859b56f59fc5e7cafb0bff26a02fc32a6d\\",\\"TreeSize\\":0}"]}',
  '{"application":"CTng","period":"0","type":"http://ctng.uconn.edu/304","signer":"","signers":{"0":"localhost:8082","1":"localhost:8080"},"signature":["{\\"sign\\":\\"ede56f7b4eca0c972b4db58ae7f83aed7d3ea97c0d5233c5e033ada1df463f2e6688ba59f5ffc043584277a7b07a548e\\", \\"ids\\":[\\"localhost:8080\\",\\"localhost:8082\\"]}",""],"timestamp":"2026-11-25T19:13:01Z","crypto_scheme":"BLS","payload":["localhost:9000","localhost:9000{\\"Timestamp\\":\\"13\\",\\"RootHash\\":\\"39779ae27fbd59ce9888331520ef7dc5f2f56fa7b380c702215322aa9ca7f3ca\\",\\"TreeSize\\":0}","localhost:9000{\\"Timestamp\\":\\"13\\",\\"RootHash\\":\\"855111e47caf58b933c604a7781ccf859b56f59fc5e7cafb0bff26a02fc32a6d\\",\\"TreeSize\\":0}"]}',
];
