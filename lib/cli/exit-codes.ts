/** As every help says them. */
export const exitCodes = `
Exit codes:
  0    done
  1    the work failed: the error's code and what to do are on stderr
  2    the command line is wrong
  130  ended by Ctrl-C; no file is left half-written`;
