/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What somebody asks for when they ask for a container: the narrow waist. The command line, the
 * API and every other front end fill one of these; the engine turns it into one OCI config.json.
 * Members follow Docker's Config and HostConfig (Engine API 1.51) and read and write as those.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/id-map.h"
#include "base/json-fields.h"
#include "base/string-list.h"

typedef struct ContainerUlimit {
    char *name; /* "nofile" */
    int64_t soft;
    int64_t hard;
} ContainerUlimit;

/* One --mount (Engine API: Mount). --volume ends in ContainerSpec.binds, --tmpfs in its tmpfs. */
typedef struct ContainerMount {
    char *type;   /* "bind", "tmpfs", "volume", "image" */
    char *source; /* absolute host path of a bind; a volume's name, NULL: an anonymous one; an
                     image */
    char *target; /* absolute, in the container */
    char *mode;   /* options as the user wrote them in a --volume; told to others, nothing more */
    bool read_only;
    char *propagation;            /* of a bind; NULL: rprivate */
    bool non_recursive;           /* of a bind: without the mounts below the source */
    bool read_only_non_recursive; /* read_only applies to the top mount only */
    bool create_source;           /* of a bind: make a missing source as a directory */
    bool match_user;              /* of a bind: files of the caller's are the process user's inside,
                                     and the other way around */
    uint32_t match_uid;           /* the caller */
    uint32_t match_gid;
    bool volume_no_copy;      /* of a volume: does not start with what the image has there */
    char *volume_subpath;     /* of a volume: below its root */
    char *volume_driver;      /* NULL: "local" */
    StringMap volume_options; /* the driver's, for a volume that does not exist yet; as labels */
    StringMap volume_labels;
    char *image_subpath; /* of an image: below its root */
    int64_t tmpfs_size;  /* bytes, 0: the kernel's default */
    uint32_t tmpfs_mode; /* 0: 01777 */
    char *tmpfs_options; /* of --tmpfs, for the kernel */
} ContainerMount;

typedef JSON_ARRAY_OF(ContainerMount) ContainerMounts;

/* One --secret: a file with its content, which only the container sees. */
typedef struct ContainerSecret {
    char *source; /* the secret's name */
    char *target; /* file name below /run/secrets, or an absolute path */
    uint32_t uid; /* in the container */
    uint32_t gid;
    uint32_t mode; /* 0: 0444 */
} ContainerSecret;

/* Engine API: DeviceMapping. */
typedef struct ContainerDevice {
    char *host_path; /* a device node, or a directory with some */
    char *container_path;
    char *permissions; /* of the letters "rwm" */
} ContainerDevice;

/* Engine API: ThrottleDevice, WeightDevice. */
typedef struct ContainerDeviceRate {
    char *path;   /* a block device on the host */
    int64_t rate; /* bytes or operations a second */
} ContainerDeviceRate;

typedef JSON_ARRAY_OF(ContainerDeviceRate) ContainerDeviceRates;

typedef struct ContainerDeviceWeight {
    char *path;
    int64_t weight; /* 10 to 1000 */
} ContainerDeviceWeight;

/* Engine API: HealthConfig. */
typedef struct ContainerHealthcheck {
    StringList test;  /* "NONE"; "CMD" and a program; "CMD-SHELL" and a command line */
    int64_t interval; /* nanoseconds, as all times here; 0: the default */
    int64_t timeout;
    int64_t start_period;
    int64_t start_interval;
    int64_t retries; /* 0: the default */
} ContainerHealthcheck;

/* Engine API: RestartPolicy. */
typedef struct ContainerRestartPolicy {
    char *name; /* "no", "always", "unless-stopped", "on-failure", "unhealthy"; NULL: "no" */
    int64_t maximum_retry_count; /* of "on-failure" and "unhealthy"; 0: without limit */
} ContainerRestartPolicy;

/* Engine API: LogConfig. */
typedef struct ContainerLogConfig {
    char *type; /* "json-file", "local", "journald", "syslog", "none"; NULL: "json-file" */
    StringMap options;
} ContainerLogConfig;

/* One --network (Engine API: EndpointSettings). Of a container in several the first one is that of
 * network_mode. */
typedef struct ContainerNetwork {
    char *network; /* name or id */
    StringList aliases;
    StringList links; /* "CONTAINER[:ALIAS]" */
    char *ip4;        /* NULL: a free one */
    char *ip6;
    StringList link_local; /* further addresses */
    char *mac;             /* NULL: made of the address, as Docker does */
    char *interface;       /* inside; NULL: "eth0", "eth1", ... */
    StringMap sysctls;     /* "net.ipv4.conf.IFNAME.forwarding" -> value */
    StringMap driver_options;
    int64_t gateway_priority; /* the highest has the default route */
    int64_t ingress_rate;     /* bits a second that come to the container; 0: no limit */
    int64_t egress_rate;
} ContainerNetwork;

/* One published port: a port of the container's (Engine API: PortBinding). */
typedef struct ContainerPortBinding {
    char *container_port; /* "80/tcp" */
    char *host_ip;        /* NULL: all of the host's, or what the network says */
    char *host_port;      /* "8080", "8000-8010": the first free one; NULL: a free one */
    StringList allow;     /* prefixes that may connect; empty: everybody */
} ContainerPortBinding;

typedef JSON_ARRAY_OF(ContainerPortBinding) ContainerPortBindings;

typedef struct ContainerSpec {
    char *name;     /* NULL: a random one is made */
    char *image;    /* as the user wrote it */
    char *platform; /* "linux/arm64", NULL: the host's */

    /* Config */
    char *hostname;
    char *domainname;
    char *user;        /* "name|uid[:group|gid]" */
    bool attach_stdin; /* what whoever has asked for it attached to; told to others, nothing more */
    bool attach_stdout;
    bool attach_stderr;
    bool tty;
    bool open_stdin;
    bool stdin_once;        /* the container's input ends when the first client's does */
    StringList environment; /* "NAME=value", or "NAME" to remove what the image sets */
    StringList command;     /* empty: the image's */
    StringList entrypoint;
    bool entrypoint_is_set; /* an empty entrypoint then resets the image's */
    StringMap labels;
    StringList exposed_ports; /* "80/tcp" */
    char *working_directory;
    char *stop_signal;
    OptionalInt64 stop_timeout;        /* seconds */
    ContainerHealthcheck *healthcheck; /* NULL: none */
    StringList shell;                  /* of a CMD-SHELL check; empty: /bin/sh -c */

    /* HostConfig */
    char *container_id_file; /* where the id was written to; told to others, nothing more */
    bool auto_remove;
    ContainerRestartPolicy restart_policy;
    ContainerLogConfig log_config;
    char *runtime; /* path of another OCI runtime; NULL: cay's own sandbox */
    bool privileged;
    bool read_only_rootfs;
    bool init;
    StringList binds; /* "source:target[:options]", validated by the engine */
    ContainerMounts mounts;
    StringMap tmpfs;         /* target -> mount options */
    StringList volumes;      /* targets of anonymous volumes: --volume TARGET, and the image's */
    StringList volumes_from; /* "CONTAINER[:ro|rw]" */
    char *volume_driver;     /* of the volumes that are made for it; NULL: "local" */
    ContainerMounts mount_points; /* what all of these came to, decided when it was made */
    StringMap storage_options;    /* "size" -> what its files may take, "10G" */
    JSON_ARRAY_OF(ContainerSecret) secrets;
    StringList capabilities_add;
    StringList capabilities_drop;
    StringList security_options;
    StringList groups_add;
    StringMap sysctls;
    StringMap annotations;
    char *pid_mode;      /* "host", "container:NAME"; NULL: its own, as all four */
    char *ipc_mode;      /* "none", "private", "shareable", "host", "container:NAME" */
    char *uts_mode;      /* "host" */
    char *cgroupns_mode; /* "host", "private" */
    char *userns_mode; /* "auto[:size=N]", "host", "keep-id[:...]", "nomap", "container:NAME"; NULL:
                          the default, which is decided when it is made */
    uint32_t caller_uid; /* on whose behalf it is made, for keep-id and nomap */
    uint32_t caller_gid;
    IdMap ids;           /* of its user namespace, decided when it is made; empty: the host's */
    char *cgroup_parent; /* absolute, in every hierarchy */
    JSON_ARRAY_OF(ContainerDevice) devices;
    StringList cdi_devices;         /* "vendor.com/class=name" */
    StringList device_cgroup_rules; /* "c 1:3 rwm" */
    JSON_ARRAY_OF(ContainerUlimit) ulimits;
    int64_t shm_size;    /* bytes, 0: 64 MiB */
    int64_t memory;      /* bytes, 0: unlimited */
    int64_t memory_swap; /* memory + swap in bytes, -1: unlimited swap, 0: twice the memory, where
                            the host can */
    int64_t nano_cpus;   /* 1e-9 CPUs, 0: unlimited */
    int64_t memory_reservation;      /* bytes, 0: none */
    OptionalInt64 memory_swappiness; /* 0 to 100; -1: the default */
    bool oom_kill_disable;
    int64_t oom_score_adj; /* -1000 to 1000 */
    int64_t cpu_shares;    /* 2 to 262144, 0: default */
    int64_t cpu_period;    /* microseconds, 0: the default; as the next three */
    int64_t cpu_quota;     /* 0 or -1: none */
    int64_t cpu_rt_period;
    int64_t cpu_rt_runtime;
    char *cpuset_cpus;
    char *cpuset_mems;
    int64_t blkio_weight; /* 10 to 1000, 0: default */
    JSON_ARRAY_OF(ContainerDeviceWeight) blkio_weight_devices;
    ContainerDeviceRates blkio_read_bps;
    ContainerDeviceRates blkio_write_bps;
    ContainerDeviceRates blkio_read_iops;
    ContainerDeviceRates blkio_write_iops;
    int64_t pids_limit; /* 0 or -1: unlimited */
    char *network_mode; /* "none", "host", "container:NAME", "ns:PATH", "cni:NAME", or the name of
                           the first network; NULL: the default one */
    JSON_ARRAY_OF(ContainerNetwork) networks; /* none where network_mode is no network */
    ContainerPortBindings port_bindings;
    bool publish_all_ports;
    StringList publish_allow; /* of bindings that do not say it themselves */
    StringList dns;           /* addresses of resolvers */
    StringList dns_search;
    StringList dns_options;
    StringList extra_hosts; /* "NAME:ADDRESS", the address may be "host-gateway" */
} ContainerSpec;

extern const JsonStruct container_spec_json;
extern const JsonStruct container_network_json;
extern const JsonStruct container_port_binding_json;
extern const JsonStruct container_device_json;
extern const JsonStruct container_device_rate_json;
extern const JsonStruct container_device_weight_json;
extern const JsonStruct container_healthcheck_json;
extern const JsonStruct container_restart_policy_json;
extern const JsonStruct container_log_config_json;

/* Free the members and zero the struct, as the next one. */
void container_secret_done(ContainerSecret *secret);
void container_spec_done(ContainerSpec *spec);
#define _cleanup_container_spec_ _cleanup_(container_spec_done)
void container_port_bindings_done(ContainerPortBindings *bindings);

/* Of pid_mode and its like (may be NULL): is it this one? The name of the other container in
 * "container:NAME", NULL for all others. */
bool container_mode_is(const char *mode, const char *name);
const char *container_mode_joined(const char *mode);
/* The same for "cni:NAME". */
const char *container_mode_cni(const char *mode);

/* The path of the namespace in "ns:PATH", NULL for all others. */
const char *container_mode_path(const char *mode);

/* Errors: INVALID. */
int container_name_validate(const char *name, Error *err);

/*
 * Check everything that can be checked without the image and the host's files: names, ranges,
 * combinations, mounts. Members hold absolute paths already.
 * Errors: INVALID, UNSUPPORTED; the message names the setting and its value.
 */
int container_spec_validate(const ContainerSpec *spec, Error *err);
