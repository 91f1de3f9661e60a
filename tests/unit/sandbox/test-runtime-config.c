/* SPDX-License-Identifier: Apache-2.0 */

/* The OCI runtime configuration: what is read, what is written back, what is refused and how. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"
#include "sandbox/runtime-config.h"

static RuntimeConfig *parse(const char *text)
{
    _cleanup_error_ Error err = {};
    RuntimeConfig *config = NULL;
    int r = runtime_config_parse(text, strlen(text), &config, &err);

    if (r < 0)
        fail_msg("refused: %s", error_message(&err));
    return config;
}

/* Members as they stand in a configuration, each of a kind that the others do not have. */
static const char full[] =
    "{'ociVersion':'1.3.0',"
    "'root':{'path':'rootfs','readonly':true},"
    "'mounts':[{'destination':'/data','source':'/srv','options':['rbind','ro'],"
    "'uidMappings':[{'containerID':0,'hostID':1000,'size':1}],"
    "'gidMappings':[{'containerID':0,'hostID':1000,'size':1}]}],"
    "'process':{'terminal':true,'consoleSize':{'height':24,'width':80},"
    "'user':{'uid':7,'gid':8,'umask':18,'additionalGids':[5,6]},"
    "'args':['sh','-c','true'],'env':['PATH=/bin','EMPTY='],'cwd':'/',"
    "'capabilities':{'bounding':['CAP_KILL'],'permitted':['CAP_KILL']},"
    "'rlimits':[{'type':'RLIMIT_NOFILE','soft':1024,'hard':2048}],"
    "'noNewPrivileges':true,'oomScoreAdj':-5,"
    "'ioPriority':{'class':'IOPRIO_CLASS_BE','priority':4},"
    "'scheduler':{'policy':'SCHED_BATCH','nice':3,'flags':['SCHED_FLAG_RESET_ON_FORK']},"
    "'execCPUAffinity':{'initial':'0-1'}},"
    "'hostname':'box','domainname':'example.test',"
    "'hooks':{'poststop':[{'path':'/bin/true','args':['true','x'],'timeout':3}]},"
    "'annotations':{'key':'value'},"
    "'linux':{'namespaces':[{'type':'pid'},{'type':'uts'},{'type':'time'},"
    "{'type':'network','path':'/run/netns/a'},{'type':'user'}],"
    "'uidMappings':[{'containerID':0,'hostID':100000,'size':65536}],"
    "'gidMappings':[{'containerID':0,'hostID':100000,'size':65536}],"
    "'timeOffsets':{'monotonic':{'secs':-3,'nanosecs':5}},"
    "'devices':[{'path':'/dev/fuse','type':'c','major':10,'minor':229,'fileMode':438}],"
    "'netDevices':{'eth7':{'name':'eth0'},'eth8':{}},"
    "'cgroupsPath':'/cay/box',"
    "'resources':{'devices':[{'allow':false,'access':'rwm'}],"
    "'memory':{'limit':1048576,'swap':-1,'disableOOMKiller':false},"
    "'cpu':{'shares':512,'quota':50000,'period':100000,'cpus':'0','idle':1},"
    "'pids':{'limit':0},"
    "'blockIO':{'weight':100,'throttleReadBpsDevice':[{'major':8,'minor':0,'rate':600}]},"
    "'hugepageLimits':[{'pageSize':'2MB','limit':4194304}],"
    "'network':{'classID':1048577,'priorities':[{'name':'eth0','priority':5}]},"
    "'rdma':{'mlx5_1':{'hcaHandles':3}},'unified':{'memory.high':'1000000'}},"
    "'rootfsPropagation':'slave','maskedPaths':['/proc/kcore'],'readonlyPaths':['/proc/sys'],"
    "'sysctl':{'net.ipv4.ip_forward':'1'},"
    "'seccomp':{'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':38,"
    "'architectures':['SCMP_ARCH_X86_64'],'flags':['SECCOMP_FILTER_FLAG_LOG'],"
    "'syscalls':[{'names':['clone'],'action':'SCMP_ACT_ALLOW',"
    "'args':[{'index':0,'value':2114060288,'op':'SCMP_CMP_MASKED_EQ'}]}]},"
    "'personality':{'domain':'LINUX32'},"
    "'intelRdt':{'closID':'guests','memBwSchema':'MB:0=20'},"
    "'memoryPolicy':{'mode':'MPOL_BIND','nodes':'0'}}}";

/* Literals above are easier to read with single quotes. */
static char *quoted(const char *text)
{
    char *copy = strdup(text);

    assert_non_null(copy);
    for (char *at = copy; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    return copy;
}

static void test_every_part_of_a_configuration_is_read(void **state)
{
    _cleanup_free_ char *text = quoted(full);
    _cleanup_(runtime_config_freep) RuntimeConfig *config = parse(text);
    const LinuxConfig *linux_config = &config->linux_config;

    (void)state;
    assert_string_equal(config->root->path, "rootfs");
    assert_true(config->root->readonly);
    assert_int_equal(config->mounts.items[0].uid_mappings.items[0].host_id, 1000);
    assert_int_equal(config->process->console_size->width, 80);
    assert_int_equal(config->process->user.additional_gids.count, 2);
    assert_int_equal(config->process->user.additional_gids.items[1], 6);
    assert_int_equal(config->process->user.umask.value, 18);
    assert_string_equal(config->process->args.items[2], "true");
    assert_string_equal(config->process->capabilities->bounding.items[0], "CAP_KILL");
    assert_int_equal(config->process->oom_score_adj.value, -5);
    assert_int_equal(config->hooks.poststop.items[0].timeout.value, 3);
    assert_int_equal(linux_config->namespaces.count, 5);
    assert_string_equal(linux_config->namespaces.items[3].path, "/run/netns/a");
    assert_int_equal(linux_config->time_offsets.monotonic.secs, -3);
    assert_string_equal(linux_config->net_devices.items[0].host_name, "eth7");
    assert_string_equal(linux_config->net_devices.items[0].name, "eth0");
    assert_null(linux_config->net_devices.items[1].name);
    assert_true(linux_config->resources.memory.swap.is_set);
    assert_int_equal(linux_config->resources.memory.swap.value, -1);
    assert_false(linux_config->resources.memory.reservation.is_set);
    assert_non_null(linux_config->resources.pids);
    assert_string_equal(linux_config->resources.rdma.items[0].device, "mlx5_1");
    assert_string_equal(string_map_get(&linux_config->resources.unified, "memory.high"), "1000000");
    assert_int_equal(linux_config->seccomp->syscalls.items[0].args.items[0].value, 2114060288);
    assert_string_equal(linux_config->memory_policy->mode, "MPOL_BIND");
}

static void test_what_is_written_reads_back_as_the_same(void **state)
{
    _cleanup_free_ char *text = quoted(full);
    _cleanup_(runtime_config_freep) RuntimeConfig *config = parse(text);
    _cleanup_json_ json_t *once = runtime_config_to_json(config);
    _cleanup_free_ char *written = json_to_text(once);
    _cleanup_(runtime_config_freep) RuntimeConfig *again = parse(written);
    _cleanup_json_ json_t *twice = runtime_config_to_json(again);
    _cleanup_json_ json_t *original = NULL;

    (void)state;
    assert_int_equal(json_parse(text, strlen(text), &original, NULL), 0);
    assert_true(json_equal(once, twice));
    /* What the text leaves at a default is written nevertheless where the field says so. */
    assert_true(json_equal(json_object_get(once, "linux"), json_object_get(original, "linux")));
    assert_true(json_equal(json_object_get(once, "process"), json_object_get(original, "process")));
    assert_true(json_equal(json_object_get(once, "mounts"), json_object_get(original, "mounts")));
}

static void test_the_smallest_configuration_needs_no_process(void **state)
{
    _cleanup_free_ char *text = quoted("{'ociVersion':'1.0.0','root':{'path':'rootfs'}}");
    _cleanup_(runtime_config_freep) RuntimeConfig *config = parse(text);

    (void)state;
    assert_null(config->process);
    assert_null(config->linux_config.seccomp);
}

static void test_a_new_configuration_has_the_version_and_lacks_the_root(void **state)
{
    _cleanup_(runtime_config_freep) RuntimeConfig *config = runtime_config_new();
    _cleanup_error_ Error err = {};

    (void)state;
    assert_string_equal(config->oci_version, "1.3.0");
    assert_int_equal(runtime_config_validate(config, &err), -EINVAL);
    assert_string_equal(error_message(&err), "root: is required");
}

/* @members go into a configuration that is valid without them. */
static void assert_refused(const char *members, const char *message)
{
    _cleanup_error_ Error err = {};
    RuntimeConfig *config = NULL;
    char single[2048];
    _cleanup_free_ char *text = NULL;
    int r;

    snprintf(single, sizeof(single), "{'ociVersion':'1.3.0','root':{'path':'r'},%s}", members);
    text = quoted(single);
    r = runtime_config_parse(text, strlen(text), &config, &err);
    if (r == 0) {
        runtime_config_free(config);
        fail_msg("accepted: %s", members);
    }
    assert_int_equal(r, -EINVAL);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_string_equal(error_message(&err), message);
}

static const struct {
    const char *members;
    const char *message;
} refused[] = {
    { "'mounts':[{'type':'proc'}]", "mounts[0].destination: is required" },
    { "'mounts':[{'destination':''}]", "mounts[0].destination: must not be empty" },
    { "'mounts':[{'destination':'/a','uidMappings':[{'containerID':0,'hostID':0,'size':1}]}]",
      "mounts[0].uidMappings: is only of use with gidMappings" },
    { "'process':{'cwd':'/'}", "process.args: needs at least one element" },
    { "'process':{'args':['a'],'cwd':'tmp'}", "process.cwd: 'tmp' is not an absolute path" },
    { "'process':{'args':['a'],'cwd':'/','env':['X']}",
      "process.env: 'X' is not of the form NAME=value" },
    { "'process':{'args':['a'],'cwd':'/','env':['=x']}",
      "process.env: '=x' is not of the form NAME=value" },
    { "'process':{'args':['a'],'cwd':'/','oomScoreAdj':1001}",
      "process.oomScoreAdj: 1001 is not within -1000 to 1000" },
    { "'process':{'args':['a'],'cwd':'/','user':{'uid':4294967295}}",
      "process.user.uid: 4294967295 is not an id" },
    { "'process':{'args':['a'],'cwd':'/','user':{'additionalGids':[1,'x']}}",
      "process.user.additionalGids[1]: expected a whole number" },
    { "'process':{'args':['a'],'cwd':'/','user':{'umask':4096}}",
      "process.user.umask: 4096 is not within 0 to 4095" },
    { "'process':{'args':['a'],'cwd':'/','rlimits':[{'type':'RLIMIT_X','soft':1,'hard':1}]}",
      "process.rlimits[0].type: 'RLIMIT_X' is not known" },
    { "'process':{'args':['a'],'cwd':'/','rlimits':[{'type':'RLIMIT_CPU','soft':1,'hard':1},"
      "{'type':'RLIMIT_CPU','soft':1,'hard':1}]}",
      "process.rlimits[1].type: 'RLIMIT_CPU' is there twice" },
    { "'process':{'args':['a'],'cwd':'/','rlimits':[{'type':'RLIMIT_CPU','soft':2,'hard':1}]}",
      "process.rlimits[0].soft: 2 is more than the hard limit" },
    { "'process':{'args':['a'],'cwd':'/','scheduler':{'policy':'SCHED_X'}}",
      "process.scheduler.policy: 'SCHED_X' is not known" },
    { "'process':{'args':['a'],'cwd':'/','scheduler':{'policy':'SCHED_FIFO'}}",
      "process.scheduler.priority: is 1 to 99 with SCHED_FIFO" },
    { "'process':{'args':['a'],'cwd':'/','scheduler':{'policy':'SCHED_IDLE','priority':1}}",
      "process.scheduler.priority: is of no use with SCHED_IDLE" },
    { "'process':{'args':['a'],'cwd':'/','scheduler':{'policy':'SCHED_OTHER','deadline':1}}",
      "process.scheduler.runtime: this, deadline and period are of no use with SCHED_OTHER" },
    { "'process':{'args':['a'],'cwd':'/','ioPriority':{'class':'IOPRIO_CLASS_NONE'}}",
      "process.ioPriority.class: 'IOPRIO_CLASS_NONE' is not known" },
    { "'linux':{'memoryPolicy':{'nodes':'0'}}", "linux.memoryPolicy.mode: is required" },
    { "'linux':{'memoryPolicy':{'mode':'MPOL_BIND'}}",
      "linux.memoryPolicy.nodes: are required by MPOL_BIND" },
    { "'linux':{'memoryPolicy':{'mode':'MPOL_LOCAL','nodes':'0'}}",
      "linux.memoryPolicy.nodes: are of no use with MPOL_LOCAL" },
    { "'linux':{'personality':{'flags':['ADDR_NO_RANDOMIZE']}}",
      "linux.personality.flags: 'ADDR_NO_RANDOMIZE' is not known" },
    { "'linux':{'intelRdt':{'schemata':['L3:0=f\\nMB:0=20']}}",
      "linux.intelRdt.schemata: 'L3:0=f\nMB:0=20' is not one line" },
    { "'linux':{'seccomp':{'defaultAction':'SCMP_ACT_ALLOW','defaultErrnoRet':1}}",
      "linux.seccomp.defaultErrnoRet: is of no use with SCMP_ACT_ALLOW" },
    { "'process':{'args':['a'],'cwd':'/','consoleSize':{'height':65536,'width':1}}",
      "process.consoleSize.height: 65536 is not within 0 to 65535" },
    { "'hooks':{'prestart':[{'path':'/a'},{'path':'b'}]}",
      "hooks.prestart[1].path: 'b' is not an absolute path" },
    { "'hostname':'a'", "hostname: needs a 'uts' namespace" },
    { "'linux':{'namespaces':[{'type':'uts'}]},"
      "'hostname':'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'",
      "hostname: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' is longer "
      "than 64 bytes" },
    { "'linux':{'namespaces':[{'type':'pid'},{'type':'bogus'}]}",
      "linux.namespaces[1].type: 'bogus' is not known" },
    { "'linux':{'namespaces':[{'type':'pid'},{'type':'pid'}]}",
      "linux.namespaces[1].type: 'pid' is there twice" },
    { "'linux':{'namespaces':[{'type':'pid','path':'x'}]}",
      "linux.namespaces[0].path: 'x' is not an absolute path" },
    { "'linux':{'namespaces':[{'type':'user'}]}",
      "linux.uidMappings: a new 'user' namespace needs uid and gid mappings" },
    { "'linux':{'uidMappings':[{'containerID':0,'hostID':0,'size':1}]}",
      "linux.uidMappings: needs a 'user' namespace" },
    { "'linux':{'uidMappings':[{'containerID':0,'hostID':0,'size':0}]}",
      "linux.uidMappings[0].size: must not be 0" },
    { "'linux':{'uidMappings':[{'containerID':0,'hostID':4294967295,'size':1}]}",
      "linux.uidMappings[0]: goes beyond the last id" },
    { "'linux':{'gidMappings':[{'containerID':0,'hostID':10,'size':10},"
      "{'containerID':9,'hostID':100,'size':1}]}",
      "linux.gidMappings[1]: overlaps gidMappings[0]" },
    { "'linux':{'uidMappings':[{'containerID':0,'hostID':10,'size':10},"
      "{'containerID':10,'hostID':19,'size':1}]}",
      "linux.uidMappings[1]: overlaps uidMappings[0]" },
    { "'linux':{'timeOffsets':{'boottime':{'secs':1}}}",
      "linux.timeOffsets: needs a 'time' namespace" },
    { "'linux':{'devices':[{'path':'/dev/x','type':'q'}]}",
      "linux.devices[0].type: 'q' is not known" },
    { "'linux':{'devices':[{'path':'dev','type':'c'}]}",
      "linux.devices[0].path: 'dev' is not an absolute path" },
    { "'linux':{'devices':[{'path':'/dev/x','type':'c','major':-1}]}",
      "linux.devices[0].major: -1:0 is not a device number" },
    { "'linux':{'netDevices':{'eth0':{}}}", "linux.netDevices: needs a 'network' namespace" },
    { "'linux':{'netDevices':{'eth0':{'name':23}}}",
      "linux.netDevices.eth0.name: expected a string" },
    { "'linux':{'netDevices':{'eth0':{'name':'a/b'}}}",
      "linux.netDevices.eth0: is not an interface's name" },
    { "'linux':{'netDevices':{'eth0':{'name':'a'},'eth1':{'name':'a'}}}",
      "linux.netDevices.eth1: the name 'a' is there twice" },
    { "'linux':{'netDevices':{'eth0':{'name':'eth%s'}}}",
      "linux.netDevices.eth0: is not an interface's name" },
    { "'linux':{'netDevices':{'eth%d':{}}}", "linux.netDevices.eth%d: is not an interface's name" },
    { "'linux':{'namespaces':[{'type':'time','path':'/t'}],'timeOffsets':{'boottime':{'secs':1}}}",
      "linux.timeOffsets: a joined 'time' namespace has its own" },
    { "'linux':{'cgroupsPath':'/cay/../x'}",
      "linux.cgroupsPath: '/cay/../x' has a component '.' or '..'" },
    { "'linux':{'resources':{'devices':[{'allow':true,'access':'rwx'}]}}",
      "linux.resources.devices[0].access: 'rwx' has other letters than 'rwm'" },
    { "'linux':{'resources':{'memory':{'limit':10,'swap':5}}}",
      "linux.resources.memory.swap: 5 is memory plus swap, so not less than the memory limit" },
    { "'linux':{'resources':{'memory':{'swap':5}}}",
      "linux.resources.memory.swap: needs a memory limit as well" },
    { "'linux':{'resources':{'memory':{'swappiness':101}}}",
      "linux.resources.memory.swappiness: 101 is not within 0 to 100" },
    { "'linux':{'resources':{'cpu':{'cpus':'0-'}}}",
      "linux.resources.cpu.cpus: '0-' is not a list such as '0-3,7'" },
    { "'linux':{'resources':{'hugepageLimits':[{'pageSize':'64kB','limit':1}]}}",
      "linux.resources.hugepageLimits[0].pageSize: '64kB' is not a page size such as '2MB'" },
    { "'linux':{'resources':{'rdma':{'mlx5_1':{'hcaHandles':'x'}}}}",
      "linux.resources.rdma.mlx5_1.hcaHandles: expected a whole number" },
    { "'linux':{'resources':{'rdma':{'mlx5_1':{'hcaHandles':4294967296}}}}",
      "linux.resources.rdma.mlx5_1.hcaHandles: 4294967296 is not within 0 to 4294967295" },
    { "'linux':{'resources':{'unified':{'../memory.max':'1'}}}",
      "linux.resources.unified: '../memory.max' is not a control file such as 'memory.high'" },
    { "'linux':{'rootfsPropagation':'x'}", "linux.rootfsPropagation: 'x' is not known" },
    { "'linux':{'maskedPaths':['/a','b']}", "linux.maskedPaths: 'b' is not an absolute path" },
    { "'linux':{'sysctl':{'net.ipv4.ip_forward':'1'}}",
      "linux.sysctl: 'net.ipv4.ip_forward' is the host's without a namespace of its own" },
    { "'linux':{'namespaces':[{'type':'network'}],'sysctl':{'vm.swappiness':'1'}}",
      "linux.sysctl: 'vm.swappiness' is not a container's own" },
    { "'linux':{'namespaces':[{'type':'network'}],'sysctl':{'net/../vm/swappiness':'1'}}",
      "linux.sysctl: 'net/../vm/swappiness' is not a sysctl's name" },
    { "'linux':{'namespaces':[{'type':'network'}],'sysctl':{'net..ipv4':'1'}}",
      "linux.sysctl: 'net..ipv4' is not a sysctl's name" },
    { "'linux':{'seccomp':{'defaultAction':'SCMP_ACT_X'}}",
      "linux.seccomp.defaultAction: 'SCMP_ACT_X' is not known" },
    { "'linux':{'seccomp':{'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':4096}}",
      "linux.seccomp.defaultErrnoRet: 4096 is not within 0 to 4095" },
    { "'linux':{'seccomp':{'defaultAction':'SCMP_ACT_ERRNO','syscalls':[{'names':[],"
      "'action':'SCMP_ACT_ALLOW'}]}}",
      "linux.seccomp.syscalls[0].names: needs at least one element" },
    { "'linux':{'seccomp':{'defaultAction':'SCMP_ACT_ERRNO','syscalls':[{'names':['read'],"
      "'action':'SCMP_ACT_ALLOW','args':[{'index':6,'value':0,'op':'SCMP_CMP_EQ'}]}]}}",
      "linux.seccomp.syscalls[0].args[0].index: 6 is not within 0 to 5" },
    { "'linux':{'seccomp':{'defaultAction':'SCMP_ACT_ERRNO','syscalls':[{'names':['read'],"
      "'action':'SCMP_ACT_NOTIFY'}]}}",
      "linux.seccomp.listenerPath: is required by SCMP_ACT_NOTIFY" },
    { "'linux':{'seccomp':{'defaultAction':'SCMP_ACT_NOTIFY'}}",
      "linux.seccomp.defaultAction: cannot be SCMP_ACT_NOTIFY" },
    { "'linux':{'intelRdt':{'closID':'../x'}}",
      "linux.intelRdt.closID: '../x' is not a plain name" },
};

static void test_each_mistake_is_refused_by_the_path_of_its_member(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
        assert_refused(refused[i].members, refused[i].message);
}

static void test_text_that_is_no_configuration_is_refused(void **state)
{
    static const char *const texts[] = { "",
                                         "{]",
                                         "[]",
                                         "{}",
                                         "{\"ociVersion\":\"1.0.0\"}",
                                         "{\"ociVersion\":\"2.0.0\",\"root\":{\"path\":\"r\"}}" };
    RuntimeConfig *config = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        assert_int_equal(runtime_config_parse(texts[i], strlen(texts[i]), &config, NULL), -EINVAL);
    assert_null(config);
}

static void test_a_configuration_beyond_the_size_limit_is_refused_unread(void **state)
{
    RuntimeConfig *config = NULL;

    (void)state;
    assert_int_equal(runtime_config_parse("{", RUNTIME_CONFIG_SIZE_MAX + 1, &config, NULL),
                     -EINVAL);
}

static void test_a_file_is_read_and_an_error_names_it(void **state)
{
    static const char good[] = "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"}}";
    char directory[] = "/tmp/cay-test-config-XXXXXX";
    _cleanup_(runtime_config_freep) RuntimeConfig *config = NULL;
    _cleanup_error_ Error err = {};
    _cleanup_close_ int dir_fd = -EBADF;

    (void)state;
    assert_non_null(mkdtemp(directory));
    dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(dir_fd >= 0);
    assert_int_equal(runtime_config_read_at(dir_fd, "config.json", &config, &err), -ENOENT);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_int_equal(file_write_at(dir_fd, "config.json", good, strlen(good), 0600, 0), 0);
    assert_int_equal(runtime_config_read_at(dir_fd, "config.json", &config, &err), 0);
    assert_string_equal(config->root->path, "r");
    assert_int_equal(file_write_at(dir_fd, "config.json", "{}", 2, 0600, 0), 0);
    assert_int_equal(runtime_config_read_at(dir_fd, "config.json", &config, &err), -EINVAL);
    assert_string_equal(error_message(&err), "config.json: ociVersion: is required");
    assert_int_equal(unlinkat(dir_fd, "config.json", 0), 0);
    assert_int_equal(rmdir(directory), 0);
}

static void test_names_become_the_kernels_numbers(void **state)
{
    (void)state;
    assert_int_equal(linux_namespace_flag("network"), CLONE_NEWNET);
    assert_int_equal(linux_namespace_flag("mount"), CLONE_NEWNS);
    assert_int_equal(linux_namespace_flag("net"), 0);
    assert_int_equal(runtime_rlimit_number("RLIMIT_NOFILE"), RLIMIT_NOFILE);
    assert_int_equal(runtime_rlimit_number("RLIMIT_CPU"), RLIMIT_CPU);
    assert_int_equal(runtime_rlimit_number("nofile"), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_part_of_a_configuration_is_read),
        cmocka_unit_test(test_what_is_written_reads_back_as_the_same),
        cmocka_unit_test(test_the_smallest_configuration_needs_no_process),
        cmocka_unit_test(test_a_new_configuration_has_the_version_and_lacks_the_root),
        cmocka_unit_test(test_each_mistake_is_refused_by_the_path_of_its_member),
        cmocka_unit_test(test_text_that_is_no_configuration_is_refused),
        cmocka_unit_test(test_a_configuration_beyond_the_size_limit_is_refused_unread),
        cmocka_unit_test(test_a_file_is_read_and_an_error_names_it),
        cmocka_unit_test(test_names_become_the_kernels_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
