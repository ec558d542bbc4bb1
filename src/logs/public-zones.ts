// SPDX-License-Identifier: Apache-2.0
/**
 * The logs whose tree heads were once public in DNS. With them the first run needs no
 * configuration, and a capture from those years can be replayed as it is.
 *
 * Zones: `dns_api_endpoint` in Chrome's log list of July 2018, all under ct.googleapis.com;
 * Google's service has since been shut down. Keys: crt.sh's log list of 2026, which keeps retired
 * logs. Log IDs follow from the keys (RFC 6962, Section 3.2).
 */

/** [label below ct.googleapis.com, description, URL, SubjectPublicKeyInfo in base64] */
export const PUBLIC_ZONES: readonly (readonly [
  label: string,
  description: string,
  url: string,
  key: string,
])[] = [
  [
    'argon2018',
    'Google Argon 2018',
    'https://ct.googleapis.com/logs/argon2018/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE0gBVBa3VR7QZu82V+ynXWD14JM3ORp37MtRxTmACJV5ZPtfUA7htQ2hofuigZQs+bnFZkje+qejxoyvk2Q1VaA==',
  ],
  [
    'argon2019',
    'Google Argon 2019',
    'https://ct.googleapis.com/logs/argon2019/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEI3MQm+HzXvaYa2mVlhB4zknbtAT8cSxakmBoJcBKGqGwYS0bhxSpuvABM1kdBTDpQhXnVdcq+LSiukXJRpGHVg==',
  ],
  [
    'argon2020',
    'Google Argon 2020',
    'https://ct.googleapis.com/logs/argon2020/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE6Tx2p1yKY4015NyIYvdrk36es0uAc1zA4PQ+TGRY+3ZjUTIYY9Wyu+3q/147JG4vNVKLtDWarZwVqGkg6lAYzA==',
  ],
  [
    'argon2021',
    'Google Argon 2021',
    'https://ct.googleapis.com/logs/argon2021/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAETeBmZOrzZKo4xYktx9gI2chEce3cw/tbr5xkoQlmhB18aKfsxD+MnILgGNl0FOm0eYGilFVi85wLRIOhK8lxKw==',
  ],
  [
    'aviator',
    'Google Aviator',
    'https://ct.googleapis.com/aviator/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1/TMabLkDpCjiupacAlP7xNi0I1JYP8bQFAHDG1xhtolSY1l4QgNRzRrvSe8liE+NPWHdjGxfx3JhTsN9x8/6Q==',
  ],
  [
    'icarus',
    'Google Icarus',
    'https://ct.googleapis.com/icarus/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAETtK8v7MICve56qTHHDhhBOuV4IlUaESxZryCfk9QbG9co/CqPvTsgPDbCpp6oFtyAHwlDhnvr7JijXRD9Cb2FA==',
  ],
  [
    'pilot',
    'Google Pilot',
    'https://ct.googleapis.com/pilot/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEfahLEimAoz2t01p3uMziiLOl/fHTDM0YDOhBRuiBARsV4UvxG2LdNgoIGLrtCzWE0J5APC2em4JlvR8EEEFMoA==',
  ],
  [
    'rocketeer',
    'Google Rocketeer',
    'https://ct.googleapis.com/rocketeer/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEIFsYyDzBi7MxCAC/oJBXK7dHjG+1aLCOkHjpoHPqTyghLpzA9BYbqvnV16mAw04vUjyYASVGJCUoI3ctBcJAeg==',
  ],
  [
    'skydiver',
    'Google Skydiver',
    'https://ct.googleapis.com/skydiver/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEmyGDvYXsRJsNyXSrYc9DjHsIa2xzb4UR7ZxVoV6mrc9iZB7xjI6+NrOiwH+P/xxkRmOFG6Jel20q37hTh58rA==',
  ],
  [
    'cloudflare-nimbus2018',
    'Cloudflare Nimbus 2018',
    'https://ct.cloudflare.com/logs/nimbus2018/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAsVpWvrH3Ke0VRaMg9ZQoQjb5g/xh1z3DDa6IuxY5DyPsk6brlvrUNXZzoIg0DcvFiAn2kd6xmu4Obk5XA/nRg==',
  ],
  [
    'cloudflare-nimbus2019',
    'Cloudflare Nimbus 2019',
    'https://ct.cloudflare.com/logs/nimbus2019/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEkZHz1v5r8a9LmXSMegYZAg4UW+Ug56GtNfJTDNFZuubEJYgWf4FcC5D+ZkYwttXTDSo4OkanG9b3AI4swIQ28g==',
  ],
  [
    'cloudflare-nimbus2020',
    'Cloudflare Nimbus 2020',
    'https://ct.cloudflare.com/logs/nimbus2020/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE01EAhx4o0zPQrXTcYjgCt4MVFsT0Pwjzb1RwrM0lhWDlxAYPP6/gyMCXNkOn/7KFsjL7rwk78tHMpY8rXn8AYg==',
  ],
  [
    'cloudflare-nimbus2021',
    'Cloudflare Nimbus 2021',
    'https://ct.cloudflare.com/logs/nimbus2021/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAExpon7ipsqehIeU1bmpog9TFo4Pk8+9oN8OYHl1Q2JGVXnkVFnuuvPgSo2Ep+6vLffNLcmEbxOucz03sFiematg==',
  ],
  [
    'digicert',
    'DigiCert 1',
    'https://ct1.digicert-ct.com/log/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAkbFvhu7gkAW6MHSrBlpE1n4+HCFRkC5OLAjgqhkTH+/uzSfSl8ois8ZxAD2NgaTZe1M9akhYlrYkes4JECs6A==',
  ],
  [
    'digicert2',
    'DigiCert 2',
    'https://ct2.digicert-ct.com/log/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEzF05L2a4TH/BLgOhNKPoioYCrkoRxvcmajeb8Dj4XQmNY+gxa4Zmz3mzJTwe33i0qMVp+rfwgnliQ/bM/oFmhA==',
  ],
  [
    'digicert-yeti2018',
    'DigiCert Yeti 2018',
    'https://yeti2018.ct.digicert.com/log/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAESYlKFDLLFmA9JScaiaNnqlU8oWDytxIYMfswHy9Esg0aiX+WnP/yj4O0ViEHtLwbmOQeSWBGkIu9YK9CLeer+g==',
  ],
  [
    'digicert-yeti2019',
    'DigiCert Yeti 2019',
    'https://yeti2019.ct.digicert.com/log/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEkZd/ow8X+FSVWAVSf8xzkFohcPph/x6pS1JHh7g1wnCZ5y/8Hk6jzJxs6t3YMAWz2CPd4VkCdxwKexGhcFxD9A==',
  ],
  [
    'digicert-yeti2020',
    'DigiCert Yeti 2020',
    'https://yeti2020.ct.digicert.com/log/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEURAG+Zo0ac3n37ifZKUhBFEV6jfcCzGIRz3tsq8Ca9BP/5XUHy6ZiqsPaAEbVM0uI3Tm9U24RVBHR9JxDElPmg==',
  ],
  [
    'digicert-yeti2021',
    'DigiCert Yeti 2021',
    'https://yeti2021.ct.digicert.com/log/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE6J4EbcpIAl1+AkSRsbhoY5oRTj3VoFfaf1DlQkfi7Rbe/HcjfVtrwN8jaC+tQDGjF+dqvKhWJAQ6Q6ev6q9Mew==',
  ],
  [
    'digicert-yeti2022',
    'DigiCert Yeti 2022',
    'https://yeti2022.ct.digicert.com/log/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEn/jYHd77W1G1+131td5mEbCdX/1v/KiYW5hPLcOROvv+xA8Nw2BDjB7y+RGyutD2vKXStp/5XIeiffzUfdYTJg==',
  ],
  [
    'symantec',
    'DigiCert Symantec',
    'https://ct.ws.symantec.com/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEluqsHEYMG1XcDfy1lCdGV0JwOmkY4r87xNuroPS2bMBTP01CEDPwWJePa75y9CrsHEKqAy8afig1dpkIPSEUhg==',
  ],
  [
    'symantec-vega',
    'DigiCert Vega',
    'https://vega.ws.symantec.com/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE6pWeAv/u8TNtS4e8zf0ZF2L/lNPQWQc/Ai0ckP7IRzA78d0NuBEMXR2G3avTK0Zm+25ltzv9WWis36b4ztIYTQ==',
  ],
  [
    'symantec-sirius',
    'DigiCert Sirius',
    'https://sirius.ws.symantec.com/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEowJkhCK7JewN47zCyYl93UXQ7uYVhY/Z5xcbE4Dq7bKFN61qxdglnfr0tPNuFiglN+qjN2Syxwv9UeXBBfQOtQ==',
  ],
  [
    'certly',
    'Certly',
    'https://log.certly.io/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAECyPLhWKYYUgEc+tUXfPQB4wtGS2MNvXrjwFCCnyYJifBtd2Sk7Cu+Js9DNhMTh35FftHaHu6ZrclnNBKwmbbSA==',
  ],
  [
    'izenpe1',
    'Izenpe',
    'https://ct.izenpe.com/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEJ2Q5DC3cUBj4IQCiDu0s6j51up+TZAkAEcQRF6tczw90rLWXkJMAW7jr9yc92bIKgV8vDXU4lDeZHvYHduDuvg==',
  ],
  [
    'wosign1',
    'WoTrus WoSign',
    'https://ctlog.wosign.com/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEzBGIey1my66PTTBmJxklIpMhRrQvAdPG+SvVyLpzmwai8IoCnNBrRhgwhbrpJIsO0VtwKAx+8TpFf1rzgkJgMQ==',
  ],
  [
    'venafi',
    'Venafi',
    'https://ctlog.api.venafi.com/',
    'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAolpIHxdSlTXLo1s6H1OCdpSj/4DyHDc8wLG9wVmLqy1lk9fz4ATVmm+/1iN2Nk8jmctUKK2MFUtlWXZBSpym97M7frGlSaQXUWyA3CqQUEuIJOmlEjKTBEiQAvpfDjCHjlV2Be4qTM6jamkJbiWtgnYPhJL6ONaGTiSPm7Byy57iaz/hbckldSOIoRhYBiMzeNoA0DiRZ9KmfSeXZ1rB8y8X5urSW+iBzf2SaOfzBvDpcoTuAaWx2DPazoOl28fP1hZ+kHUYvxbcMjttjauCFx+JII0dmuZNIwjfeG/GBb9frpSX219k1O4Wi6OEbHEr8at/XQ0y7gTikOxBn/s5wQIDAQAB',
  ],
  [
    'venafi2',
    'Venafi Gen2',
    'https://ctlog-gen2.api.venafi.com/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEjicnerZVCXTrbEuUhGW85BXx6lrYfA43zro/bAna5ymW00VQb94etBzSg4j/KS/Oqf/fNN51D8DMGA2ULvw3AQ==',
  ],
  [
    'cnnic',
    'CNNIC',
    'https://ctserver.cnnic.cn/',
    'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAv7UIYZopMgTTJWPp2IXhhuAf1l6a9zM7gBvntj5fLaFm9pVKhKYhVnno94XuXeN8EsDgiSIJIj66FpUGvai5samyetZhLocRuXhAiXXbDNyQ4KR51tVebtEq2zT0mT9liTtGwiksFQccyUsaVPhsHq9gJ2IKZdWauVA2Fm5x9h8B9xKn/L/2IaMpkIYtd967TNTP/dLPgixN1PLCLaypvurDGSVDsuWabA3FHKWL9z8wr7kBkbdpEhLlg2H+NAC+9nGKx+tQkuhZ/hWR65aX+CNUPy2OB9/u2rNPyDydb988LENXoUcMkQT0dU3aiYGkFAY0uZjD2vH97TM20xYtNQIDAQAB',
  ],
  [
    'startcom1',
    'StartCom',
    'https://ct.startssl.com/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAESPNZ8/YFGNPbsu1Gfs/IEbVXsajWTOaft0oaFIZDqUiwy1o/PErK38SCFFWa+PeOQFXc9NKv6nV0+05/YIYuUQ==',
  ],
  [
    'comodo-sabre',
    'Sectigo Sabre',
    'https://sabre.ct.comodo.com/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8m/SiQ8/xfiHHqtls9m7FyOMBg4JVZY9CgiixXGz0akvKD6DEL8S0ERmFe9U4ZiA0M4kbT5nmuk3I85Sk4bagA==',
  ],
  [
    'comodo-mammoth',
    'Sectigo Mammoth',
    'https://mammoth.ct.comodo.com/',
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE7+R9dC4VFbbpuyOL+yy14ceAmEf7QGlo/EmtYU6DRzwat43f/3swtLr/L8ugFOOt1YU/RFmMjGCL17ixv66MZw==',
  ],
];
