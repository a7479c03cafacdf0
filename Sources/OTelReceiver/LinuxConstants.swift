// Numbers of the kernel's interface that glibc's headers show to C only with _GNU_SOURCE.

/// fcntl(2), "File Sealing".
package let F_ADD_SEALS: Int32 = 1033
package let F_GET_SEALS: Int32 = 1034
package let F_SEAL_SEAL: Int32 = 1
package let F_SEAL_SHRINK: Int32 = 2
package let F_SEAL_GROW: Int32 = 4
package let F_SEAL_WRITE: Int32 = 8

/// lseek(2), "Seeking file data and holes".
package let SEEK_DATA: Int32 = 3
package let SEEK_HOLE: Int32 = 4
