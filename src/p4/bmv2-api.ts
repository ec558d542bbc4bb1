// SPDX-License-Identifier: Apache-2.0
/**
 * The methods of simple_switch's Thrift API that ctga calls: the names, numbers and types of their
 * fields, and what their exceptions can say. The sources are thrift_src/standard.thrift (service
 * Standard) and targets/simple_switch/thrift/simple_switch.thrift (service SimpleSwitch) of
 * github.com/p4lang/behavioral-model, version 1.15.
 */
import type { ThriftMethod } from './thrift-call.ts';

/** BmMatchParamType: only exact keys are used. */
export const EXACT = 0;

const MATCH_PARAM = {
  struct: { type: [1, 'i32'], exact: [2, { struct: { key: [1, 'binary'] } }, 'optional'] },
} as const;

const ADD_ENTRY_OPTIONS = { struct: { priority: [1, 'i32', 'optional'] } } as const;

const ACTION_ENTRY = {
  struct: {
    action_type: [1, 'i32'],
    action_name: [2, 'string', 'optional'],
    action_data: [3, { list: 'binary' }, 'optional'],
  },
} as const;

const TABLE_ENTRY = {
  struct: {
    match_key: [1, { list: MATCH_PARAM }],
    entry_handle: [3, 'i32'],
    action_entry: [4, ACTION_ENTRY],
  },
} as const;

const COUNTER_VALUE = { struct: { bytes: [1, 'i64'], packets: [2, 'i64'] } } as const;

const PORT_INFO = {
  struct: { port_num: [1, 'i32'], iface_name: [2, 'string'], is_up: [3, 'bool'] },
} as const;

const MIRRORING_SESSION = {
  struct: { port: [1, 'i32', 'optional'], mgid: [2, 'i32', 'optional'] },
} as const;

/** TableOperationErrorCode. */
const TABLE_REFUSALS = {
  1: 'TABLE_FULL',
  2: 'INVALID_HANDLE',
  3: 'EXPIRED_HANDLE',
  4: 'COUNTERS_DISABLED',
  5: 'METERS_DISABLED',
  6: 'AGEING_DISABLED',
  7: 'INVALID_TABLE_NAME',
  8: 'INVALID_ACTION_NAME',
  9: 'WRONG_TABLE_TYPE',
  10: 'INVALID_MBR_HANDLE',
  11: 'MBR_STILL_USED',
  12: 'MBR_ALREADY_IN_GRP',
  13: 'MBR_NOT_IN_GRP',
  14: 'INVALID_GRP_HANDLE',
  15: 'GRP_STILL_USED',
  16: 'EMPTY_GRP',
  17: 'DUPLICATE_ENTRY',
  18: 'BAD_MATCH_KEY',
  19: 'INVALID_METER_OPERATION',
  20: 'DEFAULT_ACTION_IS_CONST',
  21: 'DEFAULT_ENTRY_IS_CONST',
  22: 'NO_DEFAULT_ENTRY',
  23: 'INVALID_ACTION_PROFILE_NAME',
  24: 'NO_ACTION_PROFILE_SELECTION',
  25: 'IMMUTABLE_TABLE_ENTRIES',
  26: 'BAD_ACTION_DATA',
  27: 'NO_TABLE_KEY',
  100: 'ERROR',
} as const;
/** CounterOperationErrorCode. */
const COUNTER_REFUSALS = { 1: 'INVALID_COUNTER_NAME', 2: 'INVALID_INDEX', 3: 'ERROR' } as const;
/** SwapOperationErrorCode. */
const SWAP_REFUSALS = {
  1: 'CONFIG_SWAP_DISABLED',
  2: 'ONGOING_SWAP',
  3: 'NO_ONGOING_SWAP',
} as const;
/** DevMgrErrorCode. */
const PORT_REFUSALS = { 1: 'ERROR' } as const;
/** MirroringOperationErrorCode. */
const MIRRORING_REFUSALS = { 1: 'SESSION_NOT_FOUND' } as const;

export const BMV2_API = {
  bm_get_config: { service: 'standard', takes: {}, returns: 'string' },
  bm_load_new_config: {
    service: 'standard',
    takes: { config_str: [1, 'string'] },
    refusals: SWAP_REFUSALS,
  },
  bm_swap_configs: { service: 'standard', takes: {}, refusals: SWAP_REFUSALS },

  bm_mt_get_entries: {
    service: 'standard',
    takes: { cxt_id: [1, 'i32'], table_name: [2, 'string'] },
    returns: { list: TABLE_ENTRY },
    refusals: TABLE_REFUSALS,
  },
  bm_mt_add_entry: {
    service: 'standard',
    takes: {
      cxt_id: [1, 'i32'],
      table_name: [2, 'string'],
      match_key: [3, { list: MATCH_PARAM }],
      action_name: [4, 'string'],
      action_data: [5, { list: 'binary' }],
      options: [6, ADD_ENTRY_OPTIONS],
    },
    returns: 'i32',
    refusals: TABLE_REFUSALS,
  },
  bm_mt_modify_entry: {
    service: 'standard',
    takes: {
      cxt_id: [1, 'i32'],
      table_name: [2, 'string'],
      entry_handle: [3, 'i32'],
      action_name: [4, 'string'],
      action_data: [5, { list: 'binary' }],
    },
    refusals: TABLE_REFUSALS,
  },
  bm_mt_delete_entry: {
    service: 'standard',
    takes: { cxt_id: [1, 'i32'], table_name: [2, 'string'], entry_handle: [3, 'i32'] },
    refusals: TABLE_REFUSALS,
  },
  bm_mt_set_default_action: {
    service: 'standard',
    takes: {
      cxt_id: [1, 'i32'],
      table_name: [2, 'string'],
      action_name: [3, 'string'],
      action_data: [4, { list: 'binary' }],
    },
    refusals: TABLE_REFUSALS,
  },
  bm_mt_read_counter: {
    service: 'standard',
    takes: { cxt_id: [1, 'i32'], table_name: [2, 'string'], entry_handle: [3, 'i32'] },
    returns: COUNTER_VALUE,
    refusals: TABLE_REFUSALS,
  },

  bm_counter_read: {
    service: 'standard',
    takes: { cxt_id: [1, 'i32'], counter_name: [2, 'string'], index: [3, 'i32'] },
    returns: COUNTER_VALUE,
    refusals: COUNTER_REFUSALS,
  },
  bm_counter_reset_all: {
    service: 'standard',
    takes: { cxt_id: [1, 'i32'], counter_name: [2, 'string'] },
    refusals: COUNTER_REFUSALS,
  },
  bm_dev_mgr_show_ports: {
    service: 'standard',
    takes: {},
    returns: { list: PORT_INFO },
    refusals: PORT_REFUSALS,
  },

  mirroring_session_get: {
    service: 'simple_switch',
    takes: { mirror_id: [1, 'i32'] },
    returns: MIRRORING_SESSION,
    refusals: MIRRORING_REFUSALS,
  },
  mirroring_session_add: {
    service: 'simple_switch',
    takes: { mirror_id: [1, 'i32'], config: [2, MIRRORING_SESSION] },
    refusals: MIRRORING_REFUSALS,
  },
  mirroring_session_delete: {
    service: 'simple_switch',
    takes: { mirror_id: [1, 'i32'] },
    refusals: MIRRORING_REFUSALS,
  },
  set_all_egress_queue_depths: {
    service: 'simple_switch',
    takes: { depth_pkts: [1, 'i32'] },
    returns: 'i32',
  },
} as const satisfies Readonly<Record<string, ThriftMethod>>;

export type Bmv2Method = keyof typeof BMV2_API;
