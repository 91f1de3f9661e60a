/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The kinds of sources, and what they share. Whoever opens one hands it what it reads from. */

#include "image/image-files.h"
#include "image/image-source.h"

/* Is @document what @descriptor leads to? Errors: CORRUPT. */
int descriptor_check_document(const Descriptor *descriptor, const RegistryDocument *document,
                              Error *err);

/* The document's type: @media_type (copied), else what its text says, else what it must be. */
void registry_document_set_type(RegistryDocument *document, const char *media_type);

/* Those with @files take them, also on failure. @name NULL: the only image there is. */
int image_source_open_layout(ImageFiles *files, const char *name, ImageSource **ret, Error *err);
int image_source_open_docker(ImageFiles *files, const char *name, ImageSource **ret, Error *err);
int image_source_open_directory(ImageFiles *files, ImageSource **ret, Error *err);

/* The image @name of this machine. It is kept from being collected meanwhile. */
int image_source_open_store(ImageStore *store, const char *name, ImageSource **ret, Error *err);
