// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Divides an amount between those who want some of it. Nobody gets more than his weight's part as
 * long as somebody else could use it, and what one does not want goes to the others, again by
 * weight (weighted max-min fairness). What nobody wants is handed out by weight as well, so that
 * nobody who wants more in the next moment has to wait for that.
 */
final class FairDivision {
    /** Of what its weight stands for, one who wants nothing gets so much nevertheless. */
    private static final double LEAST = 1.0 / 128;

    private FairDivision() {}

    /**
     * What one wants.
     *
     * @param weight 1 or more
     * @param wanted infinite for one who takes whatever there is
     * @param most what one may get, whatever is left
     */
    record Claim(int weight, double wanted, double most) {}

    /** {@return what each gets, in the order of the claims; together not more than the amount} */
    static double[] divide(double amount, List<Claim> claims) {
        double weights = claims.stream().mapToDouble(Claim::weight).sum();
        double[] wanted = new double[claims.size()];
        for (int i = 0; i < wanted.length; i++) {
            Claim claim = claims.get(i);
            double least = amount * claim.weight() / weights * LEAST;
            wanted[i] = Math.min(claim.most(), Math.max(claim.wanted(), least));
        }
        double[] given = fill(amount, claims, wanted);
        double[] room = new double[given.length];
        for (int i = 0; i < room.length; i++) {
            room[i] = claims.get(i).most() - given[i];
        }
        double[] rest = fill(amount - Arrays.stream(given).sum(), claims, room);
        for (int i = 0; i < given.length; i++) {
            given[i] += rest[i];
        }
        return given;
    }

    /** Gives everybody the same for each weight, until he has what he wants or nothing is left. */
    private static double[] fill(double amount, List<Claim> claims, double[] wanted) {
        double[] given = new double[wanted.length];
        List<Integer> hungry = new ArrayList<>();
        for (int i = 0; i < wanted.length; i++) {
            hungry.add(i);
        }
        double left = Math.max(0, amount);
        while (!hungry.isEmpty()) {
            double each = left / hungry.stream().mapToInt(i -> claims.get(i).weight()).sum();
            List<Integer> fed =
                    hungry.stream()
                            .filter(i -> wanted[i] <= each * claims.get(i).weight())
                            .toList();
            if (fed.isEmpty()) {
                hungry.forEach(i -> given[i] = each * claims.get(i).weight());
                return given;
            }
            for (int i : fed) {
                given[i] = wanted[i];
                left -= wanted[i];
            }
            hungry.removeAll(fed);
        }
        return given;
    }
}
