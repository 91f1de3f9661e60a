/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `cay completion`: scripts that complete command lines. They are made from the tables, and ask
 * `cay` itself for the names of images, containers, networks, volumes and secrets.
 */

#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/help.h"

/* Single-quoted text of a shell: a quote inside ends, escapes and reopens it. */
static void print_quoted(const char *text)
{
    putchar('\'');
    for (; *text; text++)
        if (*text == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*text);
    putchar('\'');
}

static bool is_shown(const Command *command)
{
    return !(command->flags & COMMAND_HIDDEN);
}

/* What to complete where the usage line has an argument of this word. */
static const struct {
    const char *word, *kind;
} argument_kinds[] = {
    { "IMAGE", "image" },   { "REPOSITORY", "image" }, { "CONTAINER", "container" },
    { "VOLUME", "volume" }, { "SECRET", "secret" },    { "NETWORK", "network" },
};

static const char *argument_kind(const Command *command)
{
    for (size_t i = 0; i < ARRAY_SIZE(argument_kinds); i++)
        if (strstr(command->arguments, argument_kinds[i].word))
            return argument_kinds[i].kind;
    return "";
}

static void print_option_words(const OptionTable *table)
{
    for (size_t i = 0; i < table->n_options; i++)
        if (option_is_shown(table, &table->options[i]))
            printf("--%s ", table->options[i].name);
    fputs("--help", stdout);
}

static void print_top_words(void)
{
    for (size_t i = 0; command_at(i); i++)
        if (is_shown(command_at(i)) && help_short_name(command_at(i)))
            printf("%s ", help_short_name(command_at(i)));
    for (size_t i = 0; i < n_command_groups; i++)
        printf("%s ", command_groups[i].name);
}

static void print_group_words(const CommandGroup *group)
{
    for (size_t i = 0; command_at(i); i++) {
        const char *word;

        if (is_shown(command_at(i)) && help_is_in_group(command_at(i), group, &word))
            printf("%s ", word);
    }
}

/* `'image ls'|'images')` */
static void print_case_label(const Command *command)
{
    fputs("    ", stdout);
    for (size_t i = 0; i < COMMAND_NAMES_MAX && command->names[i]; i++) {
        fputs(i > 0 ? "|" : "", stdout);
        print_quoted(command->names[i]);
    }
    puts(")");
}

static void print_bash_commands(void)
{
    fputs("    '') words='", stdout);
    print_top_words();
    print_option_words(&global_option_table);
    puts("' ;;");
    for (size_t i = 0; i < n_command_groups; i++) {
        printf("    %s) words='", command_groups[i].name);
        print_group_words(&command_groups[i]);
        puts("--help' ;;");
    }
    for (size_t i = 0; command_at(i); i++) {
        if (!is_shown(command_at(i)))
            continue;
        print_case_label(command_at(i));
        printf("        kind='%s' words='", argument_kind(command_at(i)));
        print_option_words(command_at(i)->options);
        puts("' ;;");
    }
}

/* Finds the command's words, which bash and zsh do alike: $1 is the index of the first one. */
static const char find_command[] =
    "    while ((i < last)); do\n"
    "        case ${line[i]} in\n"
    "        --state|--runtime-dir) ((i += 1)) ;;\n"
    "        -*) ;;\n"
    "        *) command=\"${command:+$command }${line[i]}\"\n"
    "           case \" $groups \" in *\" $command \"*) ;; *) break ;; esac ;;\n"
    "        esac\n"
    "        ((i += 1))\n"
    "    done\n";

static void print_groups_variable(void)
{
    fputs("    local groups='", stdout);
    for (size_t i = 0; i < n_command_groups; i++)
        printf("%s%s", i > 0 ? " " : "", command_groups[i].name);
    puts("'");
}

static void print_bash(void)
{
    puts("# bash completion of cay\n"
         "_cay() {\n"
         "    local cur=${COMP_WORDS[COMP_CWORD]} command='' words='' kind='' i=1\n"
         "    local last=$COMP_CWORD line=(\"${COMP_WORDS[@]}\")");
    print_groups_variable();
    fputs(find_command, stdout);
    puts("    case $command in");
    print_bash_commands();
    puts("    esac\n"
         "    if [[ $cur != -* ]]; then\n"
         "        case $kind in\n"
         "        image) words=$(cay images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null) ;;\n"
         "        container) words=$(cay ps -a --format '{{.Names}}' 2>/dev/null) ;;\n"
         "        network) words=$(cay network ls --format '{{.Name}}' 2>/dev/null) ;;\n"
         "        volume) words=$(cay volume ls -q 2>/dev/null) ;;\n"
         "        secret) words=$(cay secret ls --format '{{.Name}}' 2>/dev/null) ;;\n"
         "        *) [[ -z $command || \" $groups \" == *\" $command \"* ]] || words='' ;;\n"
         "        esac\n"
         "    fi\n"
         "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
         "    if declare -F __ltrim_colon_completions >/dev/null; then\n"
         "        __ltrim_colon_completions \"$cur\"\n"
         "    fi\n"
         "}\n"
         "complete -o default -F _cay cay");
}

/* 'name:what it does', as _describe takes it. */
static void print_zsh_word(const char *prefix, const char *word, const char *help)
{
    fputs("        '", stdout);
    printf("%s%s:", prefix, word);
    for (; *help; help++)
        fputs(*help == '\'' ? "'\\''" : (char[]) { *help, '\0' }, stdout);
    puts("'");
}

static void print_zsh_options(const OptionTable *table)
{
    for (size_t i = 0; i < table->n_options; i++)
        if (option_is_shown(table, &table->options[i]))
            print_zsh_word("--", table->options[i].name, table->options[i].help);
    print_zsh_word("--", "help", "Show what the command does");
}

static void print_zsh_commands(void)
{
    puts("    '') choices=(");
    for (size_t i = 0; command_at(i); i++)
        if (is_shown(command_at(i)) && help_short_name(command_at(i)))
            print_zsh_word("", help_short_name(command_at(i)), command_at(i)->summary);
    for (size_t i = 0; i < n_command_groups; i++)
        print_zsh_word("", command_groups[i].name, command_groups[i].summary);
    print_zsh_options(&global_option_table);
    puts("        ) ;;");
    for (size_t i = 0; i < n_command_groups; i++) {
        printf("    %s) choices=(\n", command_groups[i].name);
        for (size_t j = 0; command_at(j); j++) {
            const char *word;

            if (is_shown(command_at(j)) &&
                help_is_in_group(command_at(j), &command_groups[i], &word))
                print_zsh_word("", word, command_at(j)->summary);
        }
        puts("        ) ;;");
    }
    for (size_t i = 0; command_at(i); i++) {
        if (!is_shown(command_at(i)))
            continue;
        print_case_label(command_at(i));
        printf("        kind='%s'; choices=(\n", argument_kind(command_at(i)));
        print_zsh_options(command_at(i)->options);
        puts("        ) ;;");
    }
}

static void print_zsh(void)
{
    puts("#compdef cay\n"
         "_cay() {\n"
         "    local command='' kind='' i=2 last=$CURRENT\n"
         "    local cur=${words[CURRENT]}\n"
         "    local -a line; line=(\"${words[@]}\")\n"
         "    local -a choices");
    print_groups_variable();
    fputs(find_command, stdout);
    puts("    case $command in");
    print_zsh_commands();
    puts("    esac\n"
         "    if [[ $cur != -* && -n $command && \" $groups \" != *\" $command \"* ]]; then\n"
         "        case $kind in\n"
         "        image) compadd -- $(cay images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null) "
         ";;\n"
         "        container) compadd -- $(cay ps -a --format '{{.Names}}' 2>/dev/null) ;;\n"
         "        network) compadd -- $(cay network ls --format '{{.Name}}' 2>/dev/null) ;;\n"
         "        volume) compadd -- $(cay volume ls -q 2>/dev/null) ;;\n"
         "        secret) compadd -- $(cay secret ls --format '{{.Name}}' 2>/dev/null) ;;\n"
         "        esac\n"
         "        _files\n"
         "        return\n"
         "    fi\n"
         "    _describe 'cay' choices\n"
         "}\n"
         "compdef _cay cay");
}

static void print_fish_options(const OptionTable *table, const char *condition)
{
    for (size_t i = 0; i < table->n_options; i++) {
        const Option *option = &table->options[i];

        if (!option_is_shown(table, option))
            continue;
        printf("complete -c cay -n %s -l %s", condition, option->name);
        if (option->short_name)
            printf(" -s %c", option->short_name);
        fputs(option_is_boolean(option) ? " -d " : " -r -d ", stdout);
        print_quoted(option->help);
        putchar('\n');
    }
}

static void print_fish_word(const char *condition, const char *word, const char *help)
{
    printf("complete -c cay -f -n %s -a %s -d ", condition, word);
    print_quoted(help);
    putchar('\n');
}

static void print_fish_arguments(const char *kind, const char *condition)
{
    if (strcmp(kind, "image") == 0)
        printf("complete -c cay -f -n %s -a \"(cay images --format '{{.Repository}}:{{.Tag}}' "
               "2>/dev/null)\"\n",
               condition);
    else if (strcmp(kind, "container") == 0)
        printf("complete -c cay -f -n %s -a \"(cay ps -a --format '{{.Names}}' 2>/dev/null)\"\n",
               condition);
    else if (strcmp(kind, "network") == 0)
        printf(
            "complete -c cay -f -n %s -a \"(cay network ls --format '{{.Name}}' 2>/dev/null)\"\n",
            condition);
    else if (strcmp(kind, "volume") == 0)
        printf("complete -c cay -f -n %s -a \"(cay volume ls -q 2>/dev/null)\"\n", condition);
    else if (strcmp(kind, "secret") == 0)
        printf("complete -c cay -f -n %s -a \"(cay secret ls --format '{{.Name}}' 2>/dev/null)\"\n",
               condition);
}

static void print_fish_command(const Command *command)
{
    for (size_t i = 0; i < COMMAND_NAMES_MAX && command->names[i]; i++) {
        const char *name = command->names[i], *space = strchr(name, ' ');
        char condition[160];

        if (space)
            snprintf(condition, sizeof(condition),
                     "'__fish_seen_subcommand_from %.*s; and __fish_seen_subcommand_from %s'",
                     (int)(space - name), name, space + 1);
        else
            snprintf(condition, sizeof(condition), "'__fish_seen_subcommand_from %s'", name);
        print_fish_options(command->options, condition);
        print_fish_arguments(argument_kind(command), condition);
    }
}

static void print_fish(void)
{
    puts("# fish completion of cay");
    print_fish_options(&global_option_table, "__fish_use_subcommand");
    for (size_t i = 0; i < n_command_groups; i++)
        print_fish_word("__fish_use_subcommand", command_groups[i].name, command_groups[i].summary);
    for (size_t i = 0; command_at(i); i++) {
        const char *short_name = help_short_name(command_at(i));

        if (!is_shown(command_at(i)))
            continue;
        if (short_name)
            print_fish_word("__fish_use_subcommand", short_name, command_at(i)->summary);
        for (size_t j = 0; j < n_command_groups; j++) {
            char condition[96];
            const char *word;

            if (!help_is_in_group(command_at(i), &command_groups[j], &word))
                continue;
            snprintf(condition, sizeof(condition), "'__fish_seen_subcommand_from %s'",
                     command_groups[j].name);
            print_fish_word(condition, word, command_at(i)->summary);
        }
        print_fish_command(command_at(i));
    }
}

static const struct {
    const char *shell;
    void (*print)(void);
} shells[] = { { "bash", print_bash }, { "fish", print_fish }, { "zsh", print_zsh } };

int cli_completion(Invocation *invocation, Error *err)
{
    int r = invocation_parse(invocation, NULL, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < ARRAY_SIZE(shells); i++)
        if (strcmp(shells[i].shell, invocation->arguments[0]) == 0) {
            shells[i].print();
            return 0;
        }
    r = error_set(err, ERROR_INVALID, "no completion for shell '%s', there are bash, zsh and fish",
                  invocation->arguments[0]);
    return invocation_misuse(invocation, r);
}
