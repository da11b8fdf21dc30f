/** The name of the socket in the container's folder on which init waits for `start`. */
export const START_SOCKET = 'start.sock';
