/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metadata of the Portable Switch Architecture (its specification, Section 4) as p4c-ebpf lays
 * it out in C: see ebpf_kernel.h.
 */
#pragma once

#include <stdbool.h>

typedef __u32 PortId_t;
typedef __u64 Timestamp_t;
typedef __u8 ClassOfService_t;
typedef __u16 CloneSessionId_t;
typedef __u32 MulticastGroup_t;
typedef __u16 EgressInstance_t;

typedef __u8 PSA_PacketPath_t;
static const PSA_PacketPath_t NORMAL = 0;
static const PSA_PacketPath_t NORMAL_UNICAST = 1;
static const PSA_PacketPath_t NORMAL_MULTICAST = 2;
static const PSA_PacketPath_t CLONE_I2E = 3;
static const PSA_PacketPath_t CLONE_E2E = 4;
static const PSA_PacketPath_t RESUBMIT = 5;
static const PSA_PacketPath_t RECIRCULATE = 6;

typedef __u8 ParserError_t;
static const ParserError_t NoError = 0;
static const ParserError_t PacketTooShort = 1;
static const ParserError_t NoMatch = 2;
static const ParserError_t StackOutOfBounds = 3;
static const ParserError_t HeaderTooShort = 4;
static const ParserError_t ParserTimeout = 5;
static const ParserError_t ParserInvalidArgument = 6;

enum PSA_MeterColor_t { RED, GREEN, YELLOW };

struct psa_ingress_parser_input_metadata_t {
	PortId_t ingress_port;
	PSA_PacketPath_t packet_path;
} __attribute__((aligned(4)));

struct psa_ingress_input_metadata_t {
	PortId_t ingress_port;
	PSA_PacketPath_t packet_path;
	Timestamp_t ingress_timestamp;
	ParserError_t parser_error;
} __attribute__((aligned(4)));

struct psa_ingress_output_metadata_t {
	MulticastGroup_t multicast_group;
	PortId_t egress_port;
	ClassOfService_t class_of_service;
	bool clone;
	CloneSessionId_t clone_session_id;
	bool drop;
	bool resubmit;
} __attribute__((aligned(4)));

struct psa_egress_parser_input_metadata_t {
	PortId_t egress_port;
	PSA_PacketPath_t packet_path;
} __attribute__((aligned(4)));

struct psa_egress_input_metadata_t {
	ClassOfService_t class_of_service;
	PortId_t egress_port;
	PSA_PacketPath_t packet_path;
	EgressInstance_t instance;
	Timestamp_t egress_timestamp;
	ParserError_t parser_error;
} __attribute__((aligned(4)));

struct psa_egress_output_metadata_t {
	bool clone;
	CloneSessionId_t clone_session_id;
	bool drop;
} __attribute__((aligned(4)));

struct psa_egress_deparser_input_metadata_t {
	PortId_t egress_port;
} __attribute__((aligned(4)));

/* From ingress to egress, in the socket buffer's control block. */
struct psa_global_metadata {
	PSA_PacketPath_t packet_path;
	EgressInstance_t instance;
	__u8 mark;
	bool pass_to_kernel;
} __attribute__((aligned(4)));

struct clone_session_entry {
	__u32 egress_port;
	__u16 instance;
	__u8 class_of_service;
	__u8 truncate;
	__u16 packet_length_bytes;
} __attribute__((aligned(4)));
