// SPDX-License-Identifier: Apache-2.0
/**
 * Results of RIPE Atlas from the tests of ripe-atlas-sagan 2.0.1 (tests/test_traceroute.py, by the
 * names of its functions): of long ones the first two hops and the last, without fields that nobody
 * reads here; and what sagan says of each.
 */
export interface SaganVector {
  readonly name: string;
  readonly firmware: number;
  readonly json: string;
  /** Its is_success. */
  readonly isSuccess: boolean;
  /** The addresses of its ip_path, each once, sorted. */
  readonly addresses: readonly string[];
}

export const SAGAN_VECTORS: readonly SaganVector[] = [
  {
    name: 'test_traceroute_4460',
    firmware: 4460,
    json: '{"af":4,"dst_addr":"121.244.76.25","from":"107.3.81.49","fw":4460,"msm_id":1000157,"prb_id":190,"result":[{"hop":1,"result":[{"from":"192.168.1.1","rtt":2.783,"size":96,"ttl":64},{"from":"192.168.1.1","rtt":2.45,"size":96,"ttl":64},{"from":"192.168.1.1","rtt":2.321,"size":96,"ttl":64}]},{"hop":2,"result":[{"x":"*"},{"x":"*"},{"x":"*"}]},{"hop":255,"result":[{"x":"*"},{"x":"*"},{"x":"*"}]}],"src_addr":"192.168.1.107","timestamp":1340329190,"type":"traceroute"}',
    isSuccess: false,
    addresses: ['192.168.1.1'],
  },
  {
    name: 'test_traceroute_4470',
    firmware: 4470,
    json: '{"af":4,"dst_addr":"121.244.76.25","from":"216.66.30.82","fw":4470,"msm_id":1000157,"prb_id":426,"result":[{"hop":1,"result":[{"from":"216.66.30.81","rtt":1.965,"size":56,"ttl":255},{"from":"216.66.30.81","rtt":2.004,"size":56,"ttl":255},{"from":"216.66.30.81","rtt":1.855,"size":56,"ttl":255}]},{"hop":2,"result":[{"from":"64.71.128.50","rtt":1.843,"size":56,"ttl":63},{"from":"64.71.128.50","rtt":2.004,"size":56,"ttl":63},{"from":"64.71.128.50","rtt":1.858,"size":56,"ttl":63}]},{"hop":255,"result":[{"x":"*"},{"x":"*"},{"x":"*"}]}],"src_addr":"216.66.30.82","timestamp":1344429586,"type":"traceroute"}',
    isSuccess: false,
    addresses: ['216.66.30.81', '64.71.128.50'],
  },
  {
    name: 'test_traceroute_4480',
    firmware: 4480,
    json: '{"af":4,"dst_addr":"121.244.76.25","from":"216.66.30.82","fw":4480,"msm_id":1000157,"prb_id":426,"result":[{"hop":1,"result":[{"from":"216.66.30.81","rtt":2.133,"size":56,"ttl":255},{"from":"216.66.30.81","rtt":1.836,"size":56,"ttl":255},{"from":"216.66.30.81","rtt":1.84,"size":56,"ttl":255}]},{"hop":2,"result":[{"from":"64.71.128.50","rtt":3.599,"size":56,"ttl":63},{"from":"64.71.128.50","rtt":8.478,"size":56,"ttl":63},{"from":"64.71.128.50","rtt":3.65,"size":56,"ttl":63}]},{"hop":255,"result":[{"x":"*"},{"x":"*"},{"x":"*"}]}],"src_addr":"216.66.30.82","timestamp":1349840391,"type":"traceroute"}',
    isSuccess: false,
    addresses: ['216.66.30.81', '64.71.128.50'],
  },
  {
    name: 'test_traceroute_4500',
    firmware: 4500,
    json: '{"af":4,"dst_addr":"121.244.76.25","from":"192.172.226.243","fw":4500,"msm_id":1000157,"prb_id":319,"result":[{"hop":1,"result":[{"from":"192.172.226.252","rtt":2.021,"size":56,"ttl":254},{"from":"192.172.226.252","rtt":1.759,"size":56,"ttl":254},{"from":"192.172.226.252","rtt":1.759,"size":56,"ttl":254}]},{"hop":2,"result":[{"from":"192.12.207.61","rtt":1.9,"size":56,"ttl":253},{"from":"192.12.207.61","rtt":1.755,"size":56,"ttl":253},{"from":"192.12.207.61","rtt":1.908,"size":56,"ttl":253}]},{"hop":255,"result":[{"x":"*"},{"x":"*"},{"x":"*"}]}],"src_addr":"192.172.226.243","timestamp":1361435986,"type":"traceroute"}',
    isSuccess: false,
    addresses: ['192.12.207.61', '192.172.226.252'],
  },
  {
    name: 'test_traceroute_4520',
    firmware: 4520,
    json: '{"af":4,"dst_addr":"121.244.76.25","from":"216.66.30.82","fw":4520,"msm_id":1000157,"prb_id":426,"result":[{"hop":1,"result":[{"from":"216.66.30.81","rtt":2.072,"size":56,"ttl":255},{"from":"216.66.30.81","rtt":1.783,"size":56,"ttl":255},{"from":"216.66.30.81","rtt":1.94,"size":56,"ttl":255}]},{"hop":2,"result":[{"from":"64.71.128.50","rtt":8.069,"size":56,"ttl":63},{"from":"64.71.128.50","rtt":3.369,"size":56,"ttl":63},{"from":"64.71.128.50","rtt":7.891,"size":56,"ttl":63}]},{"hop":255,"result":[{"x":"*"},{"x":"*"},{"x":"*"}]}],"src_addr":"216.66.30.82","timestamp":1365381585,"type":"traceroute"}',
    isSuccess: false,
    addresses: ['216.66.30.81', '64.71.128.50'],
  },
  {
    name: 'test_traceroute_4550',
    firmware: 4550,
    json: '{"af":4,"dst_addr":"121.244.76.25","from":"24.61.47.146","fw":4550,"msm_id":1000157,"prb_id":190,"result":[{"hop":1,"result":[{"from":"192.168.11.1","rtt":1.892,"size":96,"ttl":64},{"from":"192.168.11.1","rtt":1.75,"size":96,"ttl":64},{"from":"192.168.11.1","rtt":1.744,"size":96,"ttl":64}]},{"hop":2,"result":[{"from":"96.120.64.225","rtt":12.012,"size":56,"ttl":254},{"from":"96.120.64.225","rtt":25.962,"size":56,"ttl":254},{"from":"96.120.64.225","rtt":11.658,"size":56,"ttl":254}]},{"hop":255,"result":[{"x":"*"},{"x":"*"},{"x":"*"}]}],"src_addr":"192.168.11.151","timestamp":1378186793,"type":"traceroute"}',
    isSuccess: false,
    addresses: ['192.168.11.1', '96.120.64.225'],
  },
  {
    name: 'test_traceroute_4560',
    firmware: 4560,
    json: '{"af":4,"dst_addr":"121.244.76.25","from":"216.66.30.82","fw":4560,"msm_id":1000157,"prb_id":426,"result":[{"hop":1,"result":[{"from":"216.66.30.81","rtt":137.403,"size":56,"ttl":255},{"from":"216.66.30.81","rtt":103.331,"size":56,"ttl":255},{"from":"216.66.30.81","rtt":7.638,"size":56,"ttl":255}]},{"hop":2,"result":[{"from":"64.71.128.50","rtt":1.756,"size":56,"ttl":63},{"from":"64.71.128.50","rtt":3.106,"size":56,"ttl":63},{"from":"64.71.128.50","rtt":1.905,"size":56,"ttl":63}]},{"hop":255,"result":[{"x":"*"},{"x":"*"},{"x":"*"}]}],"src_addr":"216.66.30.82","timestamp":1380595186,"type":"traceroute"}',
    isSuccess: false,
    addresses: ['216.66.30.81', '64.71.128.50'],
  },
  {
    name: 'test_traceroute_4570',
    firmware: 4570,
    json: '{"af":4,"dst_addr":"121.244.76.25","from":"216.66.30.82","fw":4570,"msm_id":1000157,"prb_id":426,"result":[{"hop":1,"result":[{"from":"216.66.30.81","rtt":62.367,"size":28,"ttl":255},{"from":"216.66.30.81","rtt":3.038,"size":28,"ttl":255},{"from":"216.66.30.81","rtt":2.895,"size":28,"ttl":255}]},{"hop":2,"result":[{"from":"64.71.128.50","rtt":12.539,"size":28,"ttl":63},{"from":"64.71.128.50","rtt":7.634,"size":28,"ttl":63},{"from":"64.71.128.50","rtt":12.681,"size":28,"ttl":63}]},{"hop":255,"result":[{"x":"*"},{"x":"*"},{"x":"*"}]}],"src_addr":"216.66.30.82","timestamp":1392240112,"type":"traceroute"}',
    isSuccess: false,
    addresses: ['216.66.30.81', '64.71.128.50'],
  },
  {
    name: 'test_traceroute_4600',
    firmware: 4600,
    json: '{"af":4,"dst_addr":"121.244.76.25","from":"192.172.226.243","fw":4600,"msm_id":1000157,"prb_id":319,"result":[{"hop":1,"result":[{"from":"192.172.226.252","rtt":1.905,"size":28,"ttl":254},{"from":"192.172.226.252","rtt":1.753,"size":28,"ttl":254},{"from":"192.172.226.252","rtt":1.9,"size":28,"ttl":254}]},{"hop":2,"result":[{"from":"192.12.207.61","rtt":1.895,"size":28,"ttl":253},{"from":"192.12.207.61","rtt":1.894,"size":28,"ttl":253},{"from":"192.12.207.61","rtt":1.91,"size":28,"ttl":253}]},{"hop":255,"result":[{"x":"*"},{"x":"*"},{"x":"*"}]}],"src_addr":"192.172.226.243","timestamp":1392240124,"type":"traceroute"}',
    isSuccess: false,
    addresses: ['192.12.207.61', '192.172.226.252'],
  },
  {
    name: 'test_traceroute_4610',
    firmware: 4610,
    json: '{"af":4,"dst_addr":"121.244.76.25","from":"192.172.226.243","fw":4610,"msm_id":1000157,"prb_id":319,"result":[{"hop":1,"result":[{"from":"192.172.226.252","rtt":5.697,"size":28,"ttl":254},{"from":"192.172.226.252","rtt":2.931,"size":28,"ttl":254},{"from":"192.172.226.252","rtt":2.919,"size":28,"ttl":254}]},{"hop":2,"result":[{"from":"192.12.207.61","rtt":3.052,"size":28,"ttl":253},{"from":"192.12.207.61","rtt":2.923,"size":28,"ttl":253},{"from":"192.12.207.61","rtt":2.919,"size":28,"ttl":253}]},{"hop":255,"result":[{"x":"*"},{"x":"*"},{"x":"*"}]}],"src_addr":"192.172.226.243","timestamp":1395833036,"type":"traceroute"}',
    isSuccess: false,
    addresses: ['192.12.207.61', '192.172.226.252'],
  },
  {
    name: 'test_traceroute_responding_target',
    firmware: 4610,
    json: '{"af":4,"dst_addr":"220.226.205.30","from":"75.75.127.227","fw":4610,"msm_id":1000158,"prb_id":394,"result":[{"hop":1,"result":[{"from":"10.0.0.1","rtt":3.031,"size":68,"ttl":64},{"from":"10.0.0.1","rtt":3.193,"size":68,"ttl":64},{"from":"10.0.0.1","rtt":3.187,"size":68,"ttl":64}]},{"hop":2,"result":[{"from":"96.120.80.5","rtt":10.607,"size":28,"ttl":254},{"from":"96.120.80.5","rtt":10.815,"size":28,"ttl":254},{"from":"96.120.80.5","rtt":10.208,"size":28,"ttl":254}]},{"hop":20,"result":[{"from":"220.226.205.30","rtt":221.541,"size":68,"ttl":45},{"from":"220.226.205.30","rtt":217.103,"size":68,"ttl":45},{"from":"220.226.205.30","rtt":216.443,"size":68,"ttl":45}]}],"src_addr":"10.0.0.7","timestamp":1398334547,"type":"traceroute"}',
    isSuccess: true,
    addresses: ['10.0.0.1', '220.226.205.30', '96.120.80.5'],
  },
  {
    name: 'test_traceroute_error',
    firmware: 4610,
    json: '{"af":6,"dst_addr":"2001:6b0:e:3::1","from":"","fw":4610,"msm_id":1019825,"prb_id":82,"result":[{"hop":1,"result":[{"err":"H","from":"2001:67c:2e8:13:fad1:11ff:fea9:dd68","rtt":2014.845,"size":88,"ttl":64},{"err":"H","from":"2001:67c:2e8:13:fad1:11ff:fea9:dd68","rtt":2995.839,"size":88,"ttl":64},{"err":"H","from":"2001:67c:2e8:13:fad1:11ff:fea9:dd68","rtt":2998.491,"size":88,"ttl":64}]}],"src_addr":"2001:67c:2e8:13:fad1:11ff:fea9:dd68","timestamp":1399388940,"type":"traceroute"}',
    isSuccess: false,
    addresses: ['2001:67c:2e8:13:fad1:11ff:fea9:dd68'],
  },
  {
    name: 'test_traceroute_error_unreachable',
    firmware: 4610,
    json: '{"af":6,"dst_addr":"2001:6b0:e:3::1","from":"","fw":4610,"msm_id":1019825,"prb_id":82,"result":[{"error":"connect failed: Network is unreachable","hop":1}],"src_addr":"2001:67c:2e8:13:fad1:11ff:fea9:dd68","timestamp":1398180530,"type":"traceroute"}',
    isSuccess: false,
    addresses: [],
  },
  {
    name: 'test_traceroute_v6_mtu',
    firmware: 4610,
    json: '{"af":6,"dst_addr":"2a03:8180:1001:b2:45::3","from":"","fw":4610,"msm_id":1666033,"prb_id":2463,"result":[{"hop":1,"result":[{"from":"2001:470:d04f:12::18","mtu":1500,"rtt":5.126,"size":1232,"ttl":64},{"x":"*"},{"err":"H","from":"2001:470:d04f:12::18","rtt":3011.874,"size":1232,"ttl":64},{"err":"H","from":"2001:470:d04f:12::18","rtt":3011.811,"size":1232,"ttl":64},{"err":"H","from":"2001:470:d04f:12::18","rtt":3011.869,"size":1232,"ttl":64}]},{"hop":2,"result":[{"err":"H","from":"2001:470:d04f:12::18","ittl":2,"rtt":3011.662,"size":1232,"ttl":64},{"err":"H","from":"2001:470:d04f:12::18","ittl":2,"rtt":3011.877,"size":1232,"ttl":64},{"err":"H","from":"2001:470:d04f:12::18","ittl":2,"rtt":3011.866,"size":1232,"ttl":64},{"err":"H","from":"2001:470:d04f:12::18","ittl":2,"rtt":3012.13,"size":1232,"ttl":64},{"err":"H","from":"2001:470:d04f:12::18","ittl":2,"rtt":3012.17,"size":1232,"ttl":64}]}],"src_addr":"2001:470:d04f:12::18","timestamp":1400582538,"type":"traceroute"}',
    isSuccess: false,
    addresses: ['2001:470:d04f:12::18'],
  },
  {
    name: 'test_traceroute_v6_options',
    firmware: 4610,
    json: '{"af":6,"dst_addr":"2a00:1450:4013:c01::5e","from":"2601:6:7980:584:6666:b3ff:feb0:f3b8","fw":4610,"msm_id":1665357,"prb_id":14748,"result":[{"hop":1,"result":[{"dstoptsize":512,"from":"2601:6:7980:584::1","rtt":5.017,"size":608,"ttl":64},{"dstoptsize":512,"from":"2601:6:7980:584::1","rtt":4.496,"size":608,"ttl":64},{"dstoptsize":512,"from":"2601:6:7980:584::1","rtt":4.977,"size":608,"ttl":64},{"x":"*"},{"dstoptsize":512,"from":"2601:6:7980:584::1","rtt":4.812,"size":608,"ttl":64},{"dstoptsize":512,"from":"2601:6:7980:584::1","rtt":4.556,"size":608,"ttl":64},{"x":"*"},{"dstoptsize":512,"from":"2601:6:7980:584::1","rtt":4.95,"size":608,"ttl":64},{"x":"*"},{"dstoptsize":512,"from":"2601:6:7980:584::1","rtt":4.5,"size":608,"ttl":64}]},{"hop":2,"result":[{"dstoptsize":512,"from":"2001:558:4023:f6::1","rtt":17.682,"size":608,"ttl":63},{"dstoptsize":512,"from":"2001:558:4023:f6::1","rtt":13.93,"size":608,"ttl":63},{"dstoptsize":512,"from":"2001:558:4023:f6::1","rtt":12.875,"size":608,"ttl":63},{"dstoptsize":512,"from":"2001:558:4023:f6::1","rtt":11.496,"size":608,"ttl":63},{"dstoptsize":512,"from":"2001:558:4023:f6::1","rtt":11.692,"size":608,"ttl":63},{"dstoptsize":512,"from":"2001:558:4023:f6::1","rtt":13.476,"size":608,"ttl":63},{"dstoptsize":512,"from":"2001:558:4023:f6::1","rtt":11.685,"size":608,"ttl":63},{"dstoptsize":512,"from":"2001:558:4023:f6::1","rtt":15.076,"size":608,"ttl":63},{"dstoptsize":512,"from":"2001:558:4023:f6::1","rtt":14.549,"size":608,"ttl":63},{"dstoptsize":512,"from":"2001:558:4023:f6::1","rtt":11.723,"size":608,"ttl":63}]},{"hop":255,"result":[{"x":"*"},{"x":"*"},{"x":"*"},{"x":"*"},{"x":"*"},{"x":"*"},{"x":"*"},{"x":"*"},{"x":"*"},{"x":"*"}]}],"src_addr":"2601:6:7980:584:6666:b3ff:feb0:f3b8","timestamp":1400087690,"type":"traceroute"}',
    isSuccess: false,
    addresses: ['2001:558:4023:f6::1', '2601:6:7980:584::1'],
  },
  {
    name: 'test_traceroute_v6_options',
    firmware: 4620,
    json: '{"af":6,"dst_addr":"2a02:d28:667::2","from":"2a02:d28:667:1::2","fw":4620,"msm_id":1666051,"prb_id":6021,"result":[{"hop":1,"result":[{"from":"2a02:d28:667:1::1","hbhoptsize":256,"rtt":2.669,"size":352,"ttl":64},{"from":"2a02:d28:667:1::1","hbhoptsize":256,"rtt":0.272,"size":352,"ttl":64},{"from":"2a02:d28:667:1::1","hbhoptsize":256,"rtt":2.231,"size":352,"ttl":64}]},{"hop":2,"result":[{"from":"2a02:d28:5580:1::d1","hbhoptsize":256,"rtt":64.81,"size":352,"ttl":61},{"from":"2a02:d28:5580:1::d1","hbhoptsize":256,"rtt":76.12,"size":352,"ttl":63},{"from":"2a02:d28:5580:1::d1","hbhoptsize":256,"rtt":83.964,"size":352,"ttl":61}]},{"hop":5,"result":[{"from":"2a02:d28:667::2","hbhoptsize":256,"rtt":90.458,"size":352,"ttl":60},{"from":"2a02:d28:667::2","hbhoptsize":256,"rtt":91.408,"size":352,"ttl":60},{"from":"2a02:d28:667::2","hbhoptsize":256,"rtt":85.785,"size":352,"ttl":60}]}],"src_addr":"2a02:d28:667:1::2","timestamp":1400589951,"type":"traceroute"}',
    isSuccess: true,
    addresses: ['2a02:d28:5580:1::d1', '2a02:d28:667:1::1', '2a02:d28:667::2'],
  },
  {
    name: 'test_traceroute_lts',
    firmware: 4650,
    json: '{"from":"192.172.226.243","fw":4650,"af":4,"prb_id":319,"result":[{"result":[{"rtt":1.891,"ttl":254,"from":"192.172.226.252","size":28},{"rtt":34.727,"ttl":254,"from":"192.172.226.252","size":28},{"rtt":1.731,"ttl":254,"from":"192.172.226.252","size":28}],"hop":1},{"result":[{"rtt":1.726,"ttl":253,"from":"192.12.207.61","size":28},{"rtt":1.724,"ttl":253,"from":"192.12.207.61","size":28},{"rtt":1.72,"ttl":253,"from":"192.12.207.61","size":28}],"hop":2},{"result":[{"x":"*"},{"x":"*"},{"x":"*"}],"hop":255}],"timestamp":1406561027,"src_addr":"192.172.226.243","type":"traceroute","dst_addr":"121.244.76.25","msm_id":1000157}',
    isSuccess: false,
    addresses: ['192.12.207.61', '192.172.226.252'],
  },
  {
    name: 'test_traceroute_last_hop_responded_vs_destination_ip_responded',
    firmware: 4660,
    json: '{"af":6,"dst_addr":"2a00:1450:4001:808::1010","from":"2001:6c8:3f00:abe:280:a3ff:fe91:4252","fw":4660,"msm_id":1772418,"prb_id":4978,"result":[{"hop":1,"result":[{"from":"2001:6c8:3f00:abe::1","rtt":2.399,"size":96,"ttl":63},{"from":"2001:6c8:3f00:abe::1","rtt":2.199,"size":96,"ttl":63},{"from":"2001:6c8:3f00:abe::1","rtt":2.136,"size":96,"ttl":63}]},{"hop":2,"result":[{"from":"2001:6c8:41:100:0:10:3:1","rtt":22.533,"size":96,"ttl":62},{"from":"2001:6c8:41:100:0:10:3:1","rtt":22.131,"size":96,"ttl":62},{"from":"2001:6c8:41:100:0:10:3:1","rtt":22.54,"size":96,"ttl":62}]},{"hop":11,"result":[{"from":"2a00:1450:8000:3d::3","rtt":52.233,"size":96,"ttl":57},{"from":"2a00:1450:8000:3d::3","rtt":50.576,"size":96,"ttl":57},{"from":"2a00:1450:8000:3d::3","rtt":50.277,"size":96,"ttl":57}]}],"src_addr":"2001:6c8:3f00:abe:280:a3ff:fe91:4252","timestamp":1414685926,"type":"traceroute"}',
    isSuccess: true,
    addresses: ['2001:6c8:3f00:abe::1', '2001:6c8:41:100:0:10:3:1', '2a00:1450:8000:3d::3'],
  },
  {
    name: 'test_traceroute_with_late_packets',
    firmware: 4720,
    json: '{"from":"185.60.176.3","fw":4720,"af":4,"prb_id":10834,"result":[{"result":[{"x":"*"},{"x":"*"},{"x":"*"}],"hop":1},{"result":[{"late":4,"ttl":63,"from":"192.168.14.253","size":68},{"x":"*"},{"late":5,"ttl":63,"from":"192.168.14.253","size":68},{"x":"*"},{"late":6,"ttl":63,"from":"192.168.14.253","size":68},{"x":"*"}],"hop":2},{"result":[{"late":16,"ittl":244,"from":"78.46.48.134","ttl":53,"size":68},{"x":"*"},{"late":17,"ittl":244,"from":"78.46.48.134","ttl":53,"size":68},{"x":"*"},{"late":18,"ittl":244,"from":"78.46.48.134","ttl":53,"size":68},{"x":"*"}],"hop":255}],"timestamp":1447330668,"src_addr":"185.60.176.3","type":"traceroute","dst_addr":"78.46.48.134","msm_id":5017}',
    isSuccess: false,
    addresses: [],
  },
  {
    name: 'test_last_responded_hop_with_error_packets',
    firmware: 4720,
    json: '{"msm_id":3059023,"from":"2001:470:1883:1:6666:b3ff:feb0:dcda","fw":4720,"timestamp":1449152831,"prb_id":14468,"af":6,"result":[{"result":[{"rtt":0.714,"size":96,"from":"2001:470:1883:1::1","err":"N","ttl":64},{"rtt":0.495,"size":96,"from":"2001:470:1883:1::1","err":"N","ttl":64},{"rtt":0.48,"size":96,"from":"2001:470:1883:1::1","err":"N","ttl":64}],"hop":1}],"dst_addr":"2001:980:1284:10:beee:7bff:fe87:9eda","src_addr":"2001:470:1883:1:6666:b3ff:feb0:dcda","type":"traceroute"}',
    isSuccess: false,
    addresses: ['2001:470:1883:1::1'],
  },
  {
    name: 'test_missing_dst_addr',
    firmware: 4720,
    json: '{"af":4,"from":"89.216.30.6","fw":4720,"msm_id":2906346,"prb_id":22586,"result":[{"error":"name resolution failed: non-recoverable failure in name resolution (1)"}],"timestamp":1446563590,"type":"traceroute"}',
    isSuccess: false,
    addresses: [],
  },
];
