/* SPDX-License-Identifier: Apache-2.0 */

/* The commands about images. */

#include "cli/commands-private.h"

static const Command commands[] = {
    {
        .names = { "image ls", "image list", "images" },
        .arguments = "[REPOSITORY[:TAG]]",
        .summary = "List images",
        .options = &image_list_option_table,
        .max_arguments = 1,
        .flags = COMMAND_COMMON,
        .execute = cli_image_list,
    },
    {
        .names = { "image bootstrap" },
        .arguments = "REFERENCE",
        .summary = "Make a base image from the Debian archive",
        .description = "The image is made by mmdebstrap from signed packages, so that no registry "
                       "is needed. The same state of the archive gives the same layer.",
        .options = &image_bootstrap_option_table,
        .min_arguments = 1,
        .max_arguments = 1,
        .execute = cli_image_bootstrap,
    },
    {
        .names = { "image copy" },
        .arguments = "SOURCE DESTINATION",
        .summary = "Copy an image between registries, archives and directories",
        .description =
            "Nothing is unpacked, and the image keeps its digest. Both are written with a "
            "transport: "
            "docker://REF is a registry, oci:DIR[:REF] an OCI layout, oci-archive:FILE[:REF] and "
            "docker-archive:FILE[:REF] are archives, dir:DIR is a directory as skopeo has it, and "
            "cay:REF, or REF alone, is an image of this machine.",
        .options = &image_copy_option_table,
        .min_arguments = 2,
        .max_arguments = 2,
        .execute = cli_image_copy,
    },
    {
        .names = { "image history", "history" },
        .arguments = "IMAGE",
        .summary = "Show the history of an image",
        .options = &image_history_option_table,
        .min_arguments = 1,
        .max_arguments = 1,
        .execute = cli_image_history,
    },
    {
        .names = { "image import", "import" },
        .arguments = "FILE|- [REPOSITORY[:TAG]]",
        .summary = "Make an image from a tar archive of a root file system",
        .options = &image_import_option_table,
        .min_arguments = 1,
        .max_arguments = 2,
        .execute = cli_image_import,
    },
    {
        .names = { "image inspect" },
        .arguments = "IMAGE [IMAGE...]",
        .summary = "Show everything about images as JSON",
        .options = &image_inspect_option_table,
        .min_arguments = 1,
        .max_arguments = ANY_NUMBER,
        .execute = cli_image_inspect,
    },
    {
        .names = { "image load", "load" },
        .arguments = "",
        .summary = "Load images from an archive or standard input",
        .description = "Archives are those of 'docker save' and OCI layouts, plain or compressed "
                       "with gzip, zstd or xz.",
        .options = &image_load_option_table,
        .execute = cli_image_load,
    },
    {
        .names = { "image mount" },
        .arguments = "[IMAGE TARGET]",
        .summary = "Mount the files of an image, read-only, or list what is mounted",
        .description = "TARGET is a directory. Files belong to whom the image says; devices and "
                       "set-user-id programs do not work. The image cannot be removed as long as "
                       "it is mounted, which 'cay image unmount', umount(8) or a restart ends.",
        .options = &image_mount_option_table,
        .max_arguments = 2,
        .execute = cli_image_mount,
    },
    {
        .names = { "image prune" },
        .arguments = "",
        .summary = "Remove images that are not used",
        .options = &image_prune_option_table,
        .execute = cli_image_prune,
    },
    {
        .names = { "image pull", "pull" },
        .arguments = "NAME[:TAG|@DIGEST]",
        .summary = "Pull an image from a registry",
        .description = "Without a tag, 'latest' is pulled. A pull that was interrupted goes on "
                       "where it ended. Instead of a name there may be a location: oci:DIR[:REF], "
                       "oci-archive:FILE[:REF], docker-archive:FILE[:REF] or dir:DIR.",
        .options = &image_pull_option_table,
        .min_arguments = 1,
        .max_arguments = 1,
        .flags = COMMAND_COMMON,
        .execute = cli_image_pull,
    },
    {
        .names = { "image push", "push" },
        .arguments = "NAME[:TAG]",
        .summary = "Push an image to a registry",
        .description = "The image keeps its digest. What the registry has is not sent again.",
        .options = &image_push_option_table,
        .min_arguments = 1,
        .max_arguments = 1,
        .flags = COMMAND_COMMON,
        .execute = cli_image_push,
    },
    {
        .names = { "image referrers" },
        .arguments = "NAME[:TAG|@DIGEST]",
        .summary = "List what a registry has about an image: signatures and the like",
        .options = &image_referrers_option_table,
        .min_arguments = 1,
        .max_arguments = 1,
        .execute = cli_image_referrers,
    },
    {
        .names = { "image rm", "image remove", "rmi" },
        .arguments = "IMAGE [IMAGE...]",
        .summary = "Remove images",
        .options = &image_remove_option_table,
        .min_arguments = 1,
        .max_arguments = ANY_NUMBER,
        .execute = cli_image_remove,
    },
    {
        .names = { "image save", "save" },
        .arguments = "IMAGE [IMAGE...]",
        .summary = "Save images to an archive or standard output",
        .description = "A name without a tag stands for all tags of the repository. The archive is "
                       "one of 'docker save', and an OCI layout.",
        .options = &image_save_option_table,
        .min_arguments = 1,
        .max_arguments = ANY_NUMBER,
        .execute = cli_image_save,
    },
    {
        .names = { "image tag", "tag" },
        .arguments = "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
        .summary = "Give an image a further name",
        .options = &no_option_table,
        .min_arguments = 2,
        .max_arguments = 2,
        .execute = cli_image_tag,
    },
    {
        .names = { "image unmount", "image umount" },
        .arguments = "TARGET [TARGET...]",
        .summary = "Unmount the files of images",
        .options = &no_option_table,
        .min_arguments = 1,
        .max_arguments = ANY_NUMBER,
        .execute = cli_image_unmount,
    },
};

const CommandTable image_commands = COMMAND_TABLE(commands);
